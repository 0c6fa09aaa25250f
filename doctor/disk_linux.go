package doctor

import (
	"errors"
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// How much room there should be, in bytes: below least nothing is sure to be stored, below little it is time to act.
const (
	least  = 16 << 20
	little = 512 << 20
)

// JudgeDisk looks at the room where a folder is, and writes a little there.
func JudgeDisk(path string) Finding {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return skipped("disk", "the disk of "+path+" does not tell: "+err.Error())
	}
	free := s.Bavail * uint64(s.Bsize)
	return judgeRoom(path, free, s.Files > 0 && s.Ffree == 0 || isFull(tryWrite(path)))
}

// judgeRoom judges the bytes that are free; full: nothing more can be written, whatever they are.
func judgeRoom(path string, free uint64, full bool) Finding {
	known := facts{"path", path, "free", fmt.Sprintf("%d MiB", free>>20)}
	switch {
	case full, free < least:
		return found("", "disk-full", known)
	case free < little:
		return found("", "disk-low", known)
	}
	return good("disk", fmt.Sprintf("%d MiB are free", free>>20))
}

// tryWrite writes 64 KiB to a file that has no name afterwards.
func tryWrite(path string) error {
	f, err := os.CreateTemp(path, ".doctor-")
	if err != nil {
		return err
	}
	defer f.Close()
	defer os.Remove(f.Name())
	if _, err := f.Write(make([]byte, 64<<10)); err != nil {
		return err
	}
	return f.Sync()
}

// TryFolder tells whether this process may write to a folder.
func TryFolder(path string) error {
	err := tryWrite(path)
	if isFull(err) {
		return nil // what JudgeDisk looks at
	}
	return err
}

func isFull(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }
