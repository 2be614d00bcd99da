package fetch

import "time"

// roomWait is how often it is looked whether there is room again.
const roomWait = time.Second

// room says whether what comes can be taken in. Nothing is lost while it cannot:
// the platform is asked later.
func (p *Poller) room() bool {
	if p.o.Room == nil {
		return true
	}
	err := p.o.Room()
	switch {
	case err != nil && !p.full:
		p.o.Log.Error("polling pauses until there is room; nothing is lost, but changes are seen late", "reason", err)
	case err == nil && p.full:
		p.o.Log.Info("there is room again: polling goes on")
	}
	p.full = err != nil
	return !p.full
}
