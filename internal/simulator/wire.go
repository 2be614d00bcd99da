package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"time"
)

// lastUpdatedBy is who changed everything.
const lastUpdatedBy = "simulator@example.com"

// wireBatch is a batch as the API shows it.
type wireBatch struct {
	BatchID              string   `json:"batch_id"`
	CampaignID           int64    `json:"campaign_id"`
	ExpiresOn            *string  `json:"expires_on"`
	Paused               bool     `json:"paused"`
	CallRate             *int     `json:"call_rate"`
	AutoCallRate         bool     `json:"auto_call_rate"`
	Status               string   `json:"status"`
	AutoCallRateBaseline *float64 `json:"auto_call_rate_baseline"`
	UploadFilename       *string  `json:"upload_filename"`
	DispatchID           *string  `json:"dispatch_id"`
	CreatedAt            string   `json:"created_at"`
	DeletedAt            *string  `json:"deleted_at"`
	DeletedReason        *string  `json:"deleted_reason"`
	LastUpdatedAt        string   `json:"last_updated_at"`
	LastUpdatedBy        string   `json:"last_updated_by"`
	ErrorMessage         *string  `json:"error_message"`
}

type wireBatchDetails struct {
	wireBatch
	StatusCounts         map[string]int            `json:"status_counts"`
	DetailedStatusCounts map[string]*wireBreakdown `json:"detailed_status_counts"`
}

// wireBreakdown leaves calls whose channel_manager_status is null out of
// Counts, and Counts out if it would be empty.
type wireBreakdown struct {
	TotalCount int            `json:"total_count"`
	Counts     map[string]int `json:"counts,omitempty"`
}

// wireRequest is a request to make a call.
type wireRequest struct {
	ReferenceID      string            `json:"reference_id"`
	Target           string            `json:"target"`
	RequestVariables map[string]string `json:"request_variables"`
}

// wireResult is a call as the API shows it.
type wireResult struct {
	wireRequest
	ChannelManagerSID    *string         `json:"channel_manager_sid"`
	CreatedAt            string          `json:"created_at"`
	SentAt               *string         `json:"sent_at"`
	AttemptCount         int             `json:"attempt_count"`
	SessionID            *int64          `json:"session_id"`
	ConversationID       *int64          `json:"conversation_id"`
	RequestStatus        string          `json:"request_status"`
	ChannelManagerStatus *string         `json:"channel_manager_status"`
	InsightsStatus       *string         `json:"insights_status"`
	Insights             json.RawMessage `json:"insights"`
	LineType             *string         `json:"line_type"`
	Enrichment           *wireEnrichment `json:"enrichment"`
}

type wireEnrichment struct {
	LineType    string  `json:"line_type"`
	CarrierName string  `json:"carrier_name"`
	MCC         *string `json:"mcc"`
	MNC         *string `json:"mnc"`
	ErrorCode   *int    `json:"error_code"`
}

func (b *batch) wire() wireBatch {
	return wireBatch{
		BatchID: b.id, CampaignID: b.campaign.id, ExpiresOn: stampOrNull(b.expires),
		Paused: b.paused, CallRate: orNull(b.rate), Status: b.status(),
		AutoCallRate: b.auto, AutoCallRateBaseline: orNull(b.pace.baseline),
		UploadFilename: orNull(b.file), ErrorMessage: orNull(b.failure),
		DeletedAt: stampOrNull(b.deleted), DeletedReason: b.deletedReason(),
		CreatedAt: stamp(b.created), LastUpdatedAt: stamp(b.updated), LastUpdatedBy: lastUpdatedBy,
	}
}

// deletedReason tells an empty reason from none.
func (b *batch) deletedReason() *string {
	if b.deleted.IsZero() {
		return nil
	}
	return &b.reason
}

// wireDetails counts nothing where no results are listed any more.
func (b *batch) wireDetails(emptied bool) wireBatchDetails {
	d := wireBatchDetails{b.wire(), map[string]int{}, map[string]*wireBreakdown{}}
	if emptied {
		return d
	}
	for pair, n := range b.counts {
		d.StatusCounts[pair.request] += n
		w := d.DetailedStatusCounts[pair.request]
		if w == nil {
			w = &wireBreakdown{Counts: map[string]int{}}
			d.DetailedStatusCounts[pair.request] = w
		}
		w.TotalCount += n
		if pair.channel != "" {
			w.Counts[pair.channel] = n
		}
	}
	return d
}

// encoded returns the call's result as JSON, encoding it only if the call has
// changed since: most of a polled list has not.
func (c *call) encoded() []byte {
	if c.raw != nil {
		return c.raw
	}
	w := wireResult{
		wireRequest:       wireRequest{c.ref, c.target, c.variables},
		ChannelManagerSID: orNull(c.sid), CreatedAt: stamp(c.created), SentAt: stampOrNull(c.sent),
		AttemptCount: c.attempts, SessionID: orNull(c.session), ConversationID: orNull(c.conversation),
		RequestStatus:        c.request.value(),
		ChannelManagerStatus: orNull(c.channel.value()),
		InsightsStatus:       orNull(c.insight.value()),
		Insights:             c.insights(),
	}
	if l := c.line; l != nil {
		w.LineType = &l.kind
		w.Enrichment = &wireEnrichment{
			LineType: l.kind, CarrierName: l.carrier.name, MCC: orNull(l.carrier.mcc), MNC: orNull(l.carrier.mnc),
		}
	}
	c.raw = encode(w)
	return c.raw
}

// insights returns nil, which is encoded as null, where there are none.
func (c *call) insights() json.RawMessage {
	if v := c.content.value(); v != "" {
		return json.RawMessage(v)
	}
	return nil
}

// encode leaves &, < and > as they are, as the platform does and encoding/json
// by default does not. What it is given here can always be encoded.
func encode(v any) []byte {
	buf := buffers.Get().(*bytes.Buffer) //nolint:errcheck // it holds nothing else
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("simulator: encode %T: %v", v, err))
	}
	return bytes.Clone(bytes.TrimSuffix(buf.Bytes(), []byte("\n")))
}

// buffers keep what encode keeps for each call as small as it is.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// stamp writes RFC 3339 in UTC, hence with Z.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func stampOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return new(stamp(t))
}

// orNull makes null of a zero value.
func orNull[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}
