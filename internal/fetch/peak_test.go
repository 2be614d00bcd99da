package fetch_test

import (
	"runtime"
	"sync"
)

// peak watches the heap of the process.
type peak struct {
	mu          sync.Mutex
	start, most uint64
}

func newPeak() *peak {
	runtime.GC()
	p := &peak{}
	p.sample()
	p.start = p.most
	return p
}

func (p *peak) sample() {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.most = max(p.most, m.HeapInuse)
}

// grown returns by how much it grew at most, in bytes.
func (p *peak) grown() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.most - p.start
}
