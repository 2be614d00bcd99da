package syllable

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// maxPages bounds a list that a faulty server would never end.
const maxPages = 1000

// Batch is what is read of a batch: a field behind a pointer is nil where it is
// absent, null, or of another type than the one documented. Status is an open
// set: PENDING, ACTIVE, PAUSED, FAILED, CANCELED and EXPIRED are known today.
type Batch struct {
	BatchID       string  `json:"batch_id"`
	CampaignID    *int64  `json:"campaign_id"`
	Status        string  `json:"status"`
	Paused        *bool   `json:"paused"`
	CreatedAt     *string `json:"created_at"`
	LastUpdatedAt *string `json:"last_updated_at"`
	ExpiresOn     *string `json:"expires_on"`
	DeletedAt     *string `json:"deleted_at"`
	// Breakdown counts the calls by request_status, in the details of a batch
	// alone; nil where the platform does not count, or not in a way that can be
	// read.
	Breakdown map[string]Breakdown `json:"detailed_status_counts"`
	// Raw is the platform's object, verbatim.
	Raw []byte `json:"-"`
}

// Breakdown counts the calls of one request_status.
type Breakdown struct {
	Total int `json:"total_count"`
	// Channel counts those of them that have a channel_manager_status, by it;
	// nil where the platform does not say.
	Channel map[string]int `json:"counts"`
}

// Deleted says whether the batch itself says that it was deleted.
func (b Batch) Deleted() bool { return b.DeletedAt != nil && *b.DeletedAt != "" }

// Ended says whether the platform will place no more calls of the batch. A
// status that is not known does not end it.
func (b Batch) Ended() bool {
	return b.Deleted() || slices.Contains([]string{"FAILED", "CANCELED", "EXPIRED"}, b.Status)
}

// Batch asks for one batch; its details include counts by request_status.
func (c *Client) Batch(ctx context.Context, id string) (b Batch, err error) {
	r := request{op: "batch " + id, path: "batches/" + segment(id), limit: maxPage}
	err = c.get(ctx, r, func(r io.Reader) error {
		var raw jsontext.Value
		if err := readObject(r, &raw); err != nil {
			return err
		}
		b, err = parseBatch(raw)
		return err
	})
	return b, err
}

// parseBatch reads one batch. It keeps raw.
func parseBatch(raw []byte) (Batch, error) {
	var b Batch
	if err := json.Unmarshal(raw, &b, leniently); err != nil {
		return Batch{}, bodyError(err)
	}
	if b.BatchID == "" {
		return Batch{}, fmt.Errorf("%w: a batch has no batch_id", ErrBody)
	}
	b.Raw = raw
	return b, nil
}

// BatchPage is one page of the list of batches.
type BatchPage struct {
	Items      []Batch
	Page       int
	TotalPages *int
	TotalCount *int
}

// Order is in which order batches are listed.
type Order struct{ field, direction string }

var (
	// Steady is an order that no change of a batch alters, so that none slips
	// from one page to another while they are read.
	Steady = Order{"batch_id", "asc"}
	// NewestFirst has the batches that changed last at the beginning.
	NewestFirst = Order{"last_updated_at", "desc"}
)

// EachBatch calls each with every batch of a list, page by page as page returns
// them, until there are no more or each returns false.
func EachBatch(page func(n int) (BatchPage, error), each func(Batch) bool) error {
	for n := range maxPages {
		p, err := page(n)
		if err != nil {
			return err
		}
		for _, b := range p.Items {
			if !each(b) {
				return nil
			}
		}
		// The totals may be null, and a server may cap the limit: a page that
		// is merely short is not known to be the last.
		if len(p.Items) == 0 || p.TotalPages != nil && n+1 >= *p.TotalPages {
			return nil
		}
	}
	return fmt.Errorf("list of batches: %w: it goes on after %d pages", ErrBody, maxPages)
}

// BatchPage asks for one page, 0-based, of the list of batches.
func (c *Client) BatchPage(ctx context.Context, o Order, page, limit int) (BatchPage, error) {
	q := url.Values{
		"page":               {strconv.Itoa(page)},
		"limit":              {strconv.Itoa(limit)},
		"order_by":           {o.field},
		"order_by_direction": {o.direction},
	}
	op := fmt.Sprintf("list of batches, page %d", page)
	var p BatchPage
	err := c.get(ctx, request{op: op, path: "batches", query: q, limit: maxPage}, func(r io.Reader) (err error) {
		p, err = readPage(r)
		return err
	})
	return p, err
}

func readPage(r io.Reader) (BatchPage, error) {
	var body struct {
		Items      []jsontext.Value `json:"items"`
		Page       int              `json:"page"`
		TotalPages *int             `json:"total_pages"`
		TotalCount *int             `json:"total_count"`
	}
	if err := readObject(r, &body); err != nil {
		return BatchPage{}, err
	}
	if body.Items == nil {
		return BatchPage{}, fmt.Errorf("%w: it has no items", ErrBody)
	}
	p := BatchPage{Page: body.Page, TotalPages: body.TotalPages, TotalCount: body.TotalCount}
	for _, raw := range body.Items {
		b, err := parseBatch(raw)
		if err != nil {
			return BatchPage{}, err
		}
		p.Items = append(p.Items, b)
	}
	return p, nil
}

// readObject reads a body that is one JSON object and nothing else.
func readObject(r io.Reader, out any) error {
	d, err := newDecoder(r, '{', "an object")
	if err != nil {
		return err
	}
	if err := json.UnmarshalDecode(d, out, leniently); err != nil {
		return bodyError(err)
	}
	return end(d)
}
