package ledger

import "fmt"

// checkPromises compares what was promised with what was done, both ways: no
// promise without an answer, no receipt nobody was promised.
func (c Certificate) checkPromises() error {
	agreed, err := c.agreedSteps()
	if err != nil {
		return err
	}
	answered, err := c.checkReceipts(agreed)
	if err != nil {
		return err
	}
	for _, x := range c.Cancelled {
		if _, ok := agreed[x.Step]; !ok {
			return fmt.Errorf("%w: cancelled step %s was not promised", ErrPromise, x.Step)
		}
		if answered[x.Step] {
			return fmt.Errorf("%w: step %s is both cancelled and answered", ErrPromise, x.Step)
		}
		answered[x.Step] = true
	}
	for _, x := range c.Exceptions {
		if x.Step == "" {
			continue
		}
		p, ok := agreed[x.Step]
		if !ok || x.Class != "" && (p.Holder != x.Holder || p.Class != x.Class) {
			return fmt.Errorf("%w: exception of step %s was not promised so", ErrPromise, x.Step)
		}
		answered[x.Step] = true
	}
	for step := range agreed {
		if !answered[step] {
			return fmt.Errorf("%w: step %s has no receipt, exception or cancellation", ErrPromise, step)
		}
	}
	return nil
}

// agreedSteps returns the promises by step, each amendment in place of its promise.
func (c Certificate) agreedSteps() (map[string]Promise, error) {
	agreed := make(map[string]Promise, len(c.Promises)+len(c.Amendments))
	for _, p := range c.Promises {
		if _, twice := agreed[p.Step]; twice {
			return nil, fmt.Errorf("%w: step %s is promised twice", ErrPromise, p.Step)
		}
		agreed[p.Step] = p
	}
	amended := make(map[string]bool, len(c.Amendments))
	for _, a := range c.Amendments {
		if amended[a.Step] {
			return nil, fmt.Errorf("%w: step %s is amended twice", ErrPromise, a.Step)
		}
		amended[a.Step] = true
		agreed[a.Step] = a.Promise
	}
	return agreed, nil
}

// checkReceipts compares each receipt with its promise, or, where it settles a
// hold or an exception, with that. It returns the steps that have a receipt.
func (c Certificate) checkReceipts(agreed map[string]Promise) (map[string]bool, error) {
	done := make(map[string]bool, len(c.Receipts))
	kept := c.keptSteps()
	settled := make(map[string]bool)
	for _, e := range c.Receipts {
		r := e.Receipt
		if done[r.Step] {
			return nil, fmt.Errorf("%w: two receipts for step %s", ErrPromise, r.Step)
		}
		done[r.Step] = true
		if r.Settles != "" {
			k, ok := kept[r.Settles]
			if !ok || settled[r.Settles] || k.Class != "" && (k.Holder != r.Holder || k.Class != r.Class) {
				return nil, fmt.Errorf("%w: receipt %s settles %s, which is not kept so", ErrPromise, r.Step, r.Settles)
			}
			if _, ok := agreed[r.Step]; ok || r.Manner != Erase {
				return nil, fmt.Errorf("%w: receipt %s does not end what is kept", ErrPromise, r.Step)
			}
			settled[r.Settles] = true
			continue
		}
		p, ok := agreed[r.Step]
		if !ok {
			return nil, fmt.Errorf("%w: receipt %s was not promised", ErrPromise, r.Step)
		}
		if !p.keptBy(r) {
			return nil, fmt.Errorf("%w: receipt %s differs from its promise", ErrPromise, r.Step)
		}
	}
	return done, nil
}

// keptBy compares all but the due date, which a gate or a hasten moves, and an
// end date that was unknown when the promise was made.
func (p Promise) keptBy(r Receipt) bool {
	q := r.promise()
	q.Due = p.Due
	if p.Until == "" {
		q.Until = ""
	}
	return p == q
}

// Kept is one thing that is still there when the certificate is issued: data
// under hold, or a named exception.
type Kept struct {
	Step      string `json:"step,omitempty"`
	Holder    string `json:"holder,omitempty"`
	Class     string `json:"class,omitempty"`
	Law       string `json:"law"`
	Until     Day    `json:"until"`
	Reason    string `json:"reason,omitempty"`
	Items     int64  `json:"items,omitempty"` // of a hold; exceptions are not counted
	Bytes     int64  `json:"bytes,omitempty"`
	Uncounted bool   `json:"uncounted,omitempty"`
}

// kept lists holds and exceptions, settled ones too, holds first.
func (c Certificate) kept() []Kept {
	var list []Kept
	for _, e := range c.Receipts {
		if r := e.Receipt; r.Manner == Hold {
			list = append(list, Kept{
				Step: r.Step, Holder: r.Holder, Class: r.Class, Law: r.Law, Until: r.Until,
				Items: r.Items, Bytes: r.Bytes, Uncounted: r.Uncounted,
			})
		}
	}
	for _, x := range c.Exceptions {
		list = append(list, Kept{
			Step: x.Step, Holder: x.Holder, Class: x.Class, Law: x.Law, Until: x.Until,
			Reason: x.Reason, Uncounted: true,
		})
	}
	return list
}

func (c Certificate) keptSteps() map[string]Kept {
	m := make(map[string]Kept)
	for _, k := range c.kept() {
		if k.Step != "" {
			m[k.Step] = k
		}
	}
	return m
}
