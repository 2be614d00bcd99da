package torture

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Usage is what a process holds.
type Usage struct {
	Goroutines, Files int
	// Resident is all of its memory, in bytes; Private the part that is its own,
	// without the mapped pages of files, such as the state, which the kernel takes
	// back when it needs them.
	Resident, Private int
}

// Usage measures the process, which serves its metrics at an address.
func (p *Process) Usage(ctx context.Context, addr string) (Usage, error) {
	var u Usage
	proc := "/proc/" + strconv.Itoa(p.Pid())
	files, err := os.ReadDir(filepath.Join(proc, "fd"))
	if err != nil {
		return u, err
	}
	u.Files = len(files)
	status, err := os.Open(filepath.Join(proc, "status"))
	if err != nil {
		return u, err
	}
	defer func() { _ = status.Close() }() // it was only read
	const kB = 1024
	for name, of := range map[string]*int{"VmRSS:": &u.Resident, "RssAnon:": &u.Private} {
		if *of, err = number(status, name); err != nil {
			return u, err
		}
		*of *= kB
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/metrics", http.NoBody)
	if err != nil {
		return u, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return u, err
	}
	defer resp.Body.Close()
	u.Goroutines, err = number(resp.Body, "go_goroutines")
	return u, err
}

// number returns the number behind a name at the beginning of a line.
func number(r io.Reader, name string) (int, error) {
	if f, ok := r.(io.Seeker); ok {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return 0, err
		}
	}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		if fields := strings.Fields(lines.Text()); len(fields) > 1 && fields[0] == name {
			return strconv.Atoi(fields[1])
		}
	}
	return 0, fmt.Errorf("there is no %s", name)
}
