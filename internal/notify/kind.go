package notify

import (
	"slices"

	"exeunt/internal/ui"
)

// Kind is a kind of notice, of a closed list.
type Kind string

// The kinds.
const (
	Comment            Kind = "comment" // on a thing of one's own; On is the comment
	Answer             Kind = "answer"  // to a comment of one's own; On is the answer
	Like               Kind = "like"    // On is what is liked
	Mention            Kind = "mention" // On is where one is mentioned
	Follow             Kind = "follow"
	CircleAsked        Kind = "circle_asked"        // somebody asks to join; for those who answer for the circle
	CircleAccepted     Kind = "circle_accepted"     // one was let in
	CircleOffer        Kind = "circle_offer"        // a circle is offered to take over
	CircleNotice       Kind = "circle_notice"       // its notice board has something new
	CircleMoved        Kind = "circle_moved"        // its owners have left and say where to
	Submitted          Kind = "submitted"           // a post waits for a yes
	SubmissionAccepted Kind = "submission_accepted" // one's own post got it
	SubmissionRefused  Kind = "submission_refused"  // or did not
	Reported           Kind = "reported"            // something was reported; for those who answer for the place
	Removed            Kind = "removed"             // something of one's own was taken out
	Restored           Kind = "restored"            // and put back
	Appealed           Kind = "appealed"            // somebody appeals; for those who decide
	Decided            Kind = "decided"             // one's appeal was decided
	Sanctioned         Kind = "sanctioned"          // one's account was limited or suspended
	LastDay            Kind = "last_day"            // Due is the last day on which one can return; On names the run
	ArchiveReady       Kind = "archive_ready"
	ChannelMoved       Kind = "channel_moved" // its owner leaves and says where to; On is the owner
	NewVideo           Kind = "new_video"     // somebody whose bell one has on has published; On is the video
	VideoFailed        Kind = "video_failed"  // one's own video cannot be shown; On is the video
	VideoUnpublished   Kind = "video_refused" // one's own scheduled video was not let through, and is a draft again; On is the video
	Claim              Kind = "claim"         // a copyright complaint by or against the account has moved on, or waits for the operator; On is the claim
	Sunset             Kind = "sunset"        // what the account has something in ends: the notice of it, a later version, a phase, a reminder; On is what is told, and its title says it
	Announced          Kind = "announcement"
)

// rule says how a kind is treated.
type rule struct {
	kind  Kind
	group string // in the settings
	fixed bool   // it cannot be switched off in the centre: it says what was decided about the account, or ends a right
	mail  bool   // by e-mail, unless the account chose otherwise
	thing bool   // it is shown as long as its thing may be seen
	house bool   // nobody is named: who reported or decided is not told
	again bool   // a repeat is news, and moves the notice to the top
	says  bool   // the title of its thing is the sentence
}

// rules are all kinds, in the order of the settings.
var rules = []rule{
	{kind: Comment, group: "talk", mail: true, thing: true},
	{kind: Answer, group: "talk", mail: true, thing: true},
	{kind: Mention, group: "talk", mail: true, thing: true},
	{kind: Like, group: "talk", thing: true},
	{kind: Follow, group: "talk"},
	{kind: NewVideo, group: "channel", thing: true},
	{kind: ChannelMoved, group: "channel", mail: true, house: true, again: true},
	{kind: VideoFailed, group: "channel", thing: true, house: true, again: true},
	{kind: VideoUnpublished, group: "channel", thing: true, house: true, again: true},
	{kind: CircleAccepted, group: "circle", thing: true, house: true, again: true},
	{kind: CircleNotice, group: "circle", thing: true, house: true, again: true},
	{kind: CircleMoved, group: "circle", mail: true, house: true, again: true},
	{kind: CircleOffer, group: "circle", mail: true, thing: true, again: true},
	{kind: SubmissionAccepted, group: "circle", thing: true, house: true, again: true},
	{kind: SubmissionRefused, group: "circle", house: true, again: true},
	{kind: CircleAsked, group: "staff", thing: true, again: true},
	{kind: Submitted, group: "staff", thing: true, again: true},
	{kind: Reported, group: "staff", house: true, again: true},
	{kind: Appealed, group: "staff", again: true},
	{kind: ArchiveReady, group: "house", mail: true, house: true},
	{kind: Announced, group: "house", house: true},
	{kind: Removed, fixed: true, mail: true, house: true, again: true, group: "fixed"},
	{kind: Restored, fixed: true, mail: true, house: true, again: true, group: "fixed"},
	{kind: Decided, fixed: true, mail: true, house: true, again: true, group: "fixed"},
	{kind: Sanctioned, fixed: true, mail: true, house: true, again: true, group: "fixed"},
	{kind: Claim, fixed: true, mail: true, house: true, again: true, group: "fixed"},
	{kind: LastDay, fixed: true, mail: true, house: true, group: "fixed"},
	{kind: Sunset, fixed: true, mail: true, thing: true, house: true, says: true, group: "fixed"},
}

// ruleOf gives a kind's rule; ok is false for a kind that is none.
func ruleOf(k Kind) (r rule, ok bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.kind == k })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// names are the words for each kind in the settings.
var names = ui.Keys("notify.kind.", "comment", "answer", "like", "mention", "follow", "new_video", "video_failed", "video_refused", "circle_asked", "circle_accepted", "circle_offer", "circle_notice", "circle_moved", "channel_moved",
	"submitted", "submission_accepted", "submission_refused", "reported", "removed", "restored", "appealed", "decided", "sanctioned", "claim", "last_day", "sunset",
	"archive_ready", "announcement")

// sentences say what happened: who ({{.Who}}) did what, on what day ({{.Date}}).
var sentences = ui.Keys("notify.said.", "comment", "answer", "like", "mention", "follow", "new_video", "video_failed", "video_refused", "circle_asked", "circle_accepted", "circle_offer", "circle_notice", "circle_moved", "channel_moved",
	"submitted", "submission_accepted", "submission_refused", "reported", "removed", "restored", "appealed", "decided", "sanctioned", "claim", "last_day", "sunset",
	"archive_ready")
