package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/time/rate"

	"github.com/syllable-notifier/notifier/internal/syllable"
)

// meter asks the platform within bounds, and counts what is asked.
type meter struct {
	platform Platform
	places   chan struct{} // one for each request under way
	limit    *rate.Limiter
}

func newMeter(p Platform, concurrent int, perSecond float64) *meter {
	m := &meter{platform: p, places: make(chan struct{}, concurrent), limit: rate.NewLimiter(rate.Inf, 0)}
	if perSecond > 0 {
		// No bursts: the platform may count over a shorter time than a second.
		m.limit = rate.NewLimiter(rate.Limit(perSecond), 1)
	}
	return m
}

// ask makes one request, when there is a place for it.
func (m *meter) ask(ctx context.Context, s *Spent, request func() error) error {
	select {
	case m.places <- struct{}{}:
		defer func() { <-m.places }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := m.limit.Wait(ctx); err != nil {
		return err
	}
	s.Requests++
	return request()
}

// errNoList says that the platform has no list of batches, as where the address
// is wrong: then nothing that is not found says anything.
var errNoList = errors.New("the platform has no list of batches: check NOTIFIER_SYLLABLE_URL")

// page asks for a page of the list of batches.
func (m *meter) page(ctx context.Context, o syllable.Order, s *Spent, n, limit int) (p syllable.BatchPage, err error) {
	err = m.ask(ctx, s, func() error {
		p, err = m.platform.BatchPage(ctx, o, n, limit)
		return err
	})
	if syllable.IsNotFound(err) {
		err = fmt.Errorf("%w (%w)", errNoList, err)
	}
	return p, err
}

// pageSize is how many batches are asked for at a time.
const pageSize = 100

// batches reads the list of batches, page by page. It says whether the list had
// the same length all along: one that shrank has moved batches to pages that were
// read already.
func (m *meter) batches(
	ctx context.Context, o syllable.Order, s *Spent, each func(syllable.Batch) bool,
) (steady bool, err error) {
	steady = true
	var total *int
	err = syllable.EachBatch(func(n int) (p syllable.BatchPage, err error) {
		p, err = m.page(ctx, o, s, n, pageSize)
		for _, b := range p.Items {
			s.Bytes += uint64(len(b.Raw))
		}
		if p.TotalCount != nil && total != nil && *p.TotalCount != *total {
			steady = false
		}
		total = p.TotalCount
		return p, err
	}, each)
	return steady, err
}

// anyBatch asks for a short list of batches, to see whether there is one.
func (m *meter) anyBatch(ctx context.Context, s *Spent) error {
	_, err := m.page(ctx, syllable.Steady, s, 0, 1)
	return err
}

func (m *meter) batch(ctx context.Context, s *Spent, id string) (b syllable.Batch, err error) {
	err = m.ask(ctx, s, func() error {
		b, err = m.platform.Batch(ctx, id)
		s.Bytes += uint64(len(b.Raw))
		return err
	})
	return b, err
}

func (m *meter) campaign(ctx context.Context, s *Spent, id int64) (c syllable.Campaign, err error) {
	err = m.ask(ctx, s, func() error {
		c, err = m.platform.Campaign(ctx, id)
		return err
	})
	return c, err
}

func (m *meter) results(
	ctx context.Context, s *Spent, batch string, f syllable.Filter, known syllable.Version, w io.Writer,
) (v syllable.Version, err error) {
	err = m.ask(ctx, s, func() error {
		v, err = m.platform.Results(ctx, batch, f, known, countingWriter{w, s})
		return err
	})
	return v, err
}

type countingWriter struct {
	w io.Writer
	s *Spent
}

func (c countingWriter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.s.Bytes += uint64(n) //nolint:gosec // not negative
	return n, err
}
