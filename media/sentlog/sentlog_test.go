package sentlog

import (
	"testing"
	"time"
)

func TestEachPacketIsTakenOnce(t *testing.T) {
	var l Log
	for i := range uint16(100) {
		l.Sent(65500+i, 1000+int(i), time.Duration(i))
	}
	for i := range uint16(100) {
		if bytes, sent, ok := l.Take(65500 + i); !ok || bytes != 1000+int(i) || sent != time.Duration(i) {
			t.Fatalf("%d: %d bytes at %v, %v", i, bytes, sent, ok)
		}
		if _, _, ok := l.Take(65500 + i); ok {
			t.Fatal("taken twice")
		}
	}
	if _, _, ok := l.Take(777); ok {
		t.Fatal("taken, and never sent")
	}
}

func TestOverwrittenIsForgotten(t *testing.T) {
	var l Log
	l.Sent(1, 10, 0)
	l.Sent(1+size, 1<<20, 0)
	if _, _, ok := l.Take(1); ok {
		t.Fatal("a packet that was overwritten")
	}
	if bytes, _, ok := l.Take(1 + size); !ok || bytes != 1<<16-1 {
		t.Fatal(bytes, ok)
	}
}
