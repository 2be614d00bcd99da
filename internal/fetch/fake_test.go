package fetch_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/syllable-notifier/notifier/internal/fetch"
	"github.com/syllable-notifier/notifier/internal/syllable"
)

var quiet = slog.New(slog.DiscardHandler)

// platform answers from memory.
type platform struct {
	mu      sync.Mutex
	batches []syllable.Batch
	bodies  map[string]string
	errs    map[string]error // by batch; "" is the list
	asked   map[string][]time.Time
	under   int // way
	most    int // under way at once
	took    time.Duration
}

func newPlatform(bodies map[string]string) *platform {
	p := &platform{bodies: bodies, errs: map[string]error{}, asked: map[string][]time.Time{}}
	one := int64(1)
	for _, id := range slices.Sorted(maps.Keys(bodies)) {
		p.batches = append(p.batches, syllable.Batch{BatchID: id, CampaignID: &one, Status: "ACTIVE", Raw: []byte("{}")})
	}
	return p
}

// answer notes a request and returns its error.
func (p *platform) answer(what, batch string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[what+batch] = append(p.asked[what+batch], time.Now())
	return p.errs[batch]
}

func (p *platform) BatchPage(_ context.Context, _ syllable.Order, page, limit int) (syllable.BatchPage, error) {
	if err := p.answer("list", ""); err != nil {
		return syllable.BatchPage{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return pageOf(p.batches, page, limit), nil
}

func pageOf(all []syllable.Batch, page, limit int) syllable.BatchPage {
	total, pages := len(all), (len(all)+limit-1)/limit
	first := min(page*limit, total)
	return syllable.BatchPage{
		Items: slices.Clone(all[first:min(first+limit, total)]), Page: page, TotalPages: &pages, TotalCount: &total,
	}
}

func (p *platform) Batch(_ context.Context, id string) (syllable.Batch, error) {
	if err := p.answer("details ", id); err != nil {
		return syllable.Batch{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.IndexFunc(p.batches, func(b syllable.Batch) bool { return b.BatchID == id })
	if i < 0 {
		return syllable.Batch{}, &syllable.StatusError{Op: "batch", Code: 404}
	}
	return p.batches[i], nil
}

func (p *platform) Results(
	ctx context.Context, batch string, _ syllable.Filter, _ syllable.Version, w io.Writer,
) (syllable.Version, error) {
	p.mu.Lock()
	p.under++
	p.most = max(p.most, p.under)
	took := p.took
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.under--
	}()
	if err := p.answer("results ", batch); err != nil {
		return syllable.Version{}, err
	}
	select {
	case <-ctx.Done():
		return syllable.Version{}, ctx.Err()
	case <-time.After(took):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_, err := io.WriteString(w, p.bodies[batch])
	return syllable.Version{}, err
}

func (p *platform) Campaign(_ context.Context, id int64) (syllable.Campaign, error) {
	return syllable.Campaign{ID: id, Name: "Recall", RetryCount: 2}, p.answer("campaign", "campaign")
}

func (p *platform) set(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

func (p *platform) times(what string) []time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked[what])
}

func (p *platform) count(what string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.asked[what])
}

// taker records what it is given.
type taker struct {
	mu         sync.Mutex
	err        error
	discovered [][]string // the batches of the first call of Seen
	taken      []string   // "batch: ref ref", or "batch: unchanged"
	last       fetch.Observation
	gone       []string
	held       map[string]fetch.Held
}

func newTaker() *taker { return &taker{held: map[string]fetch.Held{}} }

func (k *taker) Seen(batches []syllable.Batch, _, _ time.Time) ([]fetch.Held, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return nil, k.err
	}
	held := make([]fetch.Held, len(batches))
	var ids []string
	for i, b := range batches {
		ids = append(ids, b.BatchID)
		held[i] = k.held[b.BatchID]
	}
	if len(k.discovered) == 0 {
		k.discovered = append(k.discovered, ids)
	}
	return held, nil
}

func (k *taker) Take(ctx context.Context, o *fetch.Observation) (fetch.Held, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.err != nil {
		return fetch.Held{}, k.err
	}
	text := o.Batch + ": unchanged"
	if !o.Unchanged {
		var refs []string
		calls := map[string]map[string]int{}
		if err := o.Each(ctx, func(r syllable.Result) error {
			refs = append(refs, r.ReferenceID)
			status := "PENDING"
			if r.RequestStatus != nil {
				status = *r.RequestStatus
			}
			if calls[status] == nil {
				calls[status] = map[string]int{}
			}
			calls[status][""]++
			return nil
		}); err != nil {
			return fetch.Held{}, err
		}
		text = o.Batch + ": " + strings.Join(refs, " ")
		if !o.Partial {
			k.held[o.Batch] = fetch.Held{Polled: o.Asked, Calls: calls}
		}
	}
	k.taken = append(k.taken, text)
	k.last = *o
	return k.held[o.Batch], nil
}

func (k *taker) Gone(batch string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gone = append(k.gone, batch)
	return nil
}

func (k *taker) all() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.taken)
}

// fail makes the taker fail from now on, or no more.
func (k *taker) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

// snapshot returns what was recorded beside the taken lists.
func (k *taker) snapshot() (discovered [][]string, gone []string, last fetch.Observation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.discovered), slices.Clone(k.gone), k.last
}

// run starts a poller whose intervals are ten seconds and a minute; it is
// stopped at the end of the test.
func run(
	t *testing.T, p *platform, k *taker, set func(*fetch.Options), instead ...fetch.Platform,
) *fetch.Poller {
	t.Helper()
	var asked fetch.Platform = p
	if len(instead) > 0 {
		asked = instead[0]
	}
	o := fetch.Options{Interval: 10 * time.Second, Discovery: time.Minute, Dir: t.TempDir(), Log: quiet}
	if set != nil {
		set(&o)
	}
	poller := fetch.New(asked, k, o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		poller.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return poller
}

func list(refs ...string) string {
	var items []string
	for _, r := range refs {
		items = append(items, `{"reference_id":"`+r+`"}`)
	}
	return "[" + strings.Join(items, ",") + "]"
}

var errDown = errors.New("connection refused")
