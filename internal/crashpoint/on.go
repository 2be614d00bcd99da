//go:build crashpoints && unix

package crashpoint

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// variable says where the process is to end.
const variable = "CRASHPOINT"

// order is what variable asks for.
type order struct {
	point Point
	left  atomic.Int64 // times until it counts
	delay time.Duration
}

// wanted is nil where nothing is asked for. What cannot be read ends the process
// at once: a test that crashes nowhere would prove nothing.
var wanted = func() *order {
	o, err := parse(os.Getenv(variable))
	if err != nil {
		panic(err)
	}
	return o
}()

func parse(text string) (*order, error) {
	if text == "" {
		return nil, nil
	}
	name, rest, _ := strings.Cut(text, ":")
	count, delay, delayed := strings.Cut(rest, ":")
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 || !slices.Contains(All, Point(name)) {
		return nil, fmt.Errorf("%s=%s: want point:count or point:count:delay, with a point of %v", variable, text, All)
	}
	o := &order{point: Point(name)}
	o.left.Store(n)
	if delayed {
		if o.delay, err = time.ParseDuration(delay); err != nil {
			return nil, fmt.Errorf("%s=%s: %w", variable, text, err)
		}
	}
	return o, nil
}

// Here ends the process if it was asked to end at this point.
func Here(p Point) {
	if wanted == nil || wanted.point != p || wanted.left.Add(-1) != 0 {
		return
	}
	if wanted.delay > 0 {
		time.AfterFunc(wanted.delay, die)
		return
	}
	die()
}

// die does not return: the signal may take a moment, and nothing may be done
// meanwhile.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
