package mariadbtest

import "syscall"

// dieWithParent keeps a server from outliving a test process that was killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
