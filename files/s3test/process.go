package s3test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// The keys of every store, and its one bucket.
const (
	AccessKey = "test-access-key"
	SecretKey = "test-secret-key-canary"
	Bucket    = "neochat"
)

const (
	region   = "us-east-1"
	patience = 30 * time.Second
)

// Process is a running object store with a folder of its own.
type Process struct {
	program program
	binary  string
	address string // host:port
	folder  string
	cmd     *exec.Cmd // nil while it is stopped
	exited  chan struct{}
}

// Launch starts a store, versitygw or minio, with an empty bucket; what it stores lies in folder, which is empty. Its
// program is built the first time, which takes minutes, and kept in the user's cache folder. The caller kills it.
func Launch(name, folder string) (*Process, error) {
	which, ok := programs[name]
	if !ok {
		return nil, fmt.Errorf("there is no object store %q; there are versitygw and minio", name)
	}
	p := &Process{program: which, folder: folder}
	var err error
	if p.binary, err = which.build(); err != nil {
		return nil, err
	}
	if p.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if err := p.Run(); err != nil {
		return nil, err
	}
	client, err := p.Client()
	if err == nil {
		err = client.MakeBucket(context.Background(), Bucket, minio.MakeBucketOptions{})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a bucket: %w", err), p.Kill())
	}
	return p, nil
}

// Client is one that has all rights there.
func (p *Process) Client() (*minio.Client, error) {
	return minio.New(p.address, &minio.Options{Creds: credentials.NewStaticV4(AccessKey, SecretKey, ""), Region: region})
}

// Address is what --files takes: the bucket, and in it a prefix.
func (p *Process) Address(prefix string) string {
	return "s3://" + Bucket + "/" + prefix + "?region=" + region + "&path-style=yes&endpoint=" + url.QueryEscape("http://"+p.address)
}

// Environment is what a server needs to have in it.
func (p *Process) Environment() []string {
	return []string{"NEOCHAT_S3_ACCESS_KEY=" + AccessKey, "NEOCHAT_S3_SECRET_KEY=" + SecretKey}
}

// PID is the process's number while it runs.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Run starts it again after Kill, at the same address with the same objects, and returns when it answers.
func (p *Process) Run() error {
	cmd := exec.Command(p.binary, p.program.line(p.address, p.folder)...)
	cmd.Env = append(os.Environ(), p.program.env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting the object store: %w", err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	p.cmd, p.exited = cmd, exited
	if err := p.answers(); err != nil {
		return errors.Join(fmt.Errorf("the object store does not answer: %w", err), p.Kill())
	}
	return nil
}

// answers waits until it knows of buckets.
func (p *Process) answers() error {
	client, err := p.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer http.DefaultClient.CloseIdleConnections()
	for {
		if _, err = client.ListBuckets(ctx); err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return errors.New("it has ended")
		case <-ctx.Done():
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Kill ends it as a power cut would; nothing happens where it is stopped.
func (p *Process) Kill() error {
	if p.cmd == nil {
		return nil
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("ending the object store: %w", err)
	}
	<-p.exited
	p.cmd = nil
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
