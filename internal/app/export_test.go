package app

import "time"

// LookEvery sets how often the embedded server is looked at. It is for use
// before Run.
func (a *App) LookEvery(d time.Duration) { a.lookEvery = d }

func init() { reconnectWait = 100 * time.Millisecond }
