package archive

import (
	"errors"
	"hash"
	"io"
)

// copyBuffers are what [copyHashed] reads into by turns.
type copyBuffers [2][]byte

func newCopyBuffers() copyBuffers {
	return copyBuffers{make([]byte, bufferSize), make([]byte, bufferSize)}
}

// copyHashed copies src to dst and adds all that passes to sum. Hashing takes longer than reading and
// writing, so it has a goroutine: while one buffer is hashed it is written and the next one is read.
func copyHashed(dst io.Writer, src io.Reader, sum hash.Hash, buffers copyBuffers) (n int64, err error) {
	hashed := make(chan struct{}, 1)
	hashed <- struct{}{}
	for turn := 0; err == nil; turn ^= 1 {
		var m int
		m, err = src.Read(buffers[turn])
		if m == 0 {
			continue
		}
		part := buffers[turn][:m]
		<-hashed // the other buffer, which is read into next
		go func() {
			_, _ = sum.Write(part) // a hash never fails
			hashed <- struct{}{}
		}()
		n += int64(m)
		if _, failed := dst.Write(part); failed != nil {
			err = failed
		}
	}
	<-hashed
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}
