package simulator

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// defaultLimit is the documented page size.
const defaultLimit = 25

// sortKey is a value that lists can be ordered and searched by.
type sortKey struct {
	null   bool
	number int64
	text   string
}

func textKey(v string) sortKey { return sortKey{text: v} }
func nullKey(v *string) sortKey {
	if v == nil {
		return sortKey{null: true}
	}
	return textKey(*v)
}
func numberKey(v int64) sortKey { return sortKey{number: v, text: strconv.FormatInt(v, 10)} }

func timeKey(t time.Time) sortKey {
	if t.IsZero() {
		return sortKey{null: true}
	}
	return sortKey{number: t.UnixMilli(), text: stamp(t)}
}

// compare puts nulls last, as PostgreSQL does in ascending order.
func (k sortKey) compare(l sortKey) int {
	if k.null != l.null {
		if k.null {
			return 1
		}
		return -1
	}
	return cmp.Or(cmp.Compare(k.number, l.number), strings.Compare(k.text, l.text))
}

// listQuery is the parsed query of a paged list.
type listQuery[T any] struct {
	page, limit int
	order       func(T) sortKey // nil: by creation
	descending  bool
	search      []criterion[T]
	from, to    time.Time // on created_at, inclusive; zero: open
}

type criterion[T any] struct {
	field func(T) sortKey
	value string
}

func parseList[T any](v url.Values, fields map[string]func(T) sortKey) (listQuery[T], error) {
	q := listQuery[T]{}
	var err error
	if q.page, err = parseCount(v, "page", 0); err != nil {
		return q, err
	}
	if q.limit, err = parseCount(v, "limit", defaultLimit); err != nil {
		return q, err
	}
	if name := v.Get("order_by"); name != "" {
		if q.order, err = parseField(fields, "order_by", name); err != nil {
			return q, err
		}
	}
	switch direction := v.Get("order_by_direction"); direction {
	case "", "asc":
	case "desc":
		q.descending = true
	default:
		return q, invalid("query", "order_by_direction", "enum", "must be asc or desc")
	}
	if q.from, err = parseBound(v, "start_datetime"); err != nil {
		return q, err
	}
	if q.to, err = parseBound(v, "end_datetime"); err != nil {
		return q, err
	}
	// Checked only: the answers that are documented need all fields.
	for _, name := range v["fields"] {
		if _, err := parseField(fields, "fields", name); err != nil {
			return q, err
		}
	}
	names, values := v["search_fields"], v["search_field_values"]
	if len(names) != len(values) {
		return q, invalid("query", "search_field_values", "value_error", "must be as many as search_fields")
	}
	for i, name := range names {
		field, err := parseField(fields, "search_fields", name)
		if err != nil {
			return q, err
		}
		q.search = append(q.search, criterion[T]{field, values[i]})
	}
	return q, nil
}

func parseField[T any](fields map[string]func(T) sortKey, param, name string) (func(T) sortKey, error) {
	field, ok := fields[name]
	if !ok {
		known := strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
		return nil, invalid("query", param, "enum", "must be one of "+known)
	}
	return field, nil
}

func parseCount(v url.Values, param string, otherwise int) (int, error) {
	text := v.Get(param)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, invalid("query", param, "int_parsing", "must be an integer")
	}
	if n < 0 {
		return 0, invalid("query", param, "greater_than_equal", "must not be negative")
	}
	return n, nil
}

func parseBound(v url.Values, param string) (time.Time, error) {
	text := v.Get(param)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := parseTime(text)
	if err != nil {
		return t, invalid("query", param, "datetime_parsing", err.Error())
	}
	return t, nil
}

// parseTime reads RFC 3339, and takes what has no offset as UTC.
func parseTime(text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time in RFC 3339", text)
}

// apply filters and orders items, which are in the order of creation; that
// order also decides ties, so that pages neither overlap nor leave gaps. Of an
// item, about says when it was created and whether it is still there.
func (q listQuery[T]) apply(items []T, about func(T) (created time.Time, there bool)) []T {
	found := slices.DeleteFunc(slices.Clone(items), func(item T) bool {
		at, there := about(item)
		if !there || !q.from.IsZero() && at.Before(q.from) || !q.to.IsZero() && at.After(q.to) {
			return true
		}
		return slices.ContainsFunc(q.search, func(c criterion[T]) bool {
			return !strings.EqualFold(c.field(item).text, c.value)
		})
	})
	if q.order != nil {
		slices.SortStableFunc(found, func(a, b T) int {
			if q.descending {
				a, b = b, a
			}
			return q.order(a).compare(q.order(b))
		})
	} else if q.descending {
		slices.Reverse(found)
	}
	return found
}

// wirePage is one page of a list.
type wirePage[T any] struct {
	Items      []T `json:"items"`
	Page       int `json:"page"`
	PageSize   int `json:"page_size"`
	TotalPages int `json:"total_pages"`
	TotalCount int `json:"total_count"`
}

// paged cuts a page out of what was found. A limit of 0 is allowed by the
// platform's schema; it makes an empty page of no pages.
func paged[T, W any](found []T, page, limit int, wire func(T) W) wirePage[W] {
	p := wirePage[W]{Items: []W{}, Page: page, PageSize: limit, TotalCount: len(found)}
	if limit == 0 {
		return p
	}
	p.TotalPages = (len(found)-1)/limit + 1
	if len(found) == 0 {
		p.TotalPages = 0
	}
	if page >= p.TotalPages {
		return p
	}
	first := page * limit
	for _, item := range found[first:min(first+limit, len(found))] {
		p.Items = append(p.Items, wire(item))
	}
	return p
}
