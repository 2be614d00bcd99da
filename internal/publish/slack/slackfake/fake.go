package slackfake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// defaultBurst is how many messages a channel takes at once: Slack allows
// "short bursts" over its one message a second and gives no figure.
const defaultBurst = 4

// Options of a fake; the zero value is usable.
type Options struct {
	// Token is the one bot token that is valid. Default empty: any is.
	Token string
	// Channels are the ids and #names that exist. Default empty: all do.
	Channels []string
	// Burst is how many messages a channel takes at once before the limit of
	// one a second holds. Default 4; negative: no limit.
	Burst int
	// OnMessage is called with each message right after it was stored and
	// before the answer is sent, one call at a time. Default none.
	OnMessage func(Message)
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// Message is a message that was stored.
type Message struct {
	// Channel is the id or #name that it was sent to.
	Channel string
	// TS is Slack's id of the message: seconds and a fraction, unique.
	TS string
	// Thread is the TS of the message that it answers, empty for none.
	Thread string
	// Text is the fallback text, as sent: & < > are escaped.
	Text string
	// Blocks is what stands in place of Text, empty for none.
	Blocks []Block
	// RawBlocks are the blocks as sent, a JSON array, nil for none.
	RawBlocks json.RawMessage
	// Metadata is the hidden part, nil for none.
	Metadata *Metadata
	// UnfurlLinks and UnfurlMedia say whether Slack may fetch what the text
	// links to. Slack's defaults depend on the link: where a message says
	// nothing, both are true.
	UnfurlLinks, UnfurlMedia bool
	// Markup says whether * _ ~ and backticks in Text format it.
	Markup bool
	// Parse is "none" where URLs in Text stay text.
	Parse string
	// At is when it was stored.
	At time.Time
}

// Metadata is what only applications see of a message.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Fault is what happens to one call of chat.postMessage. At most one of the
// fields Error, Status, Body and Drop is set; a zero Fault leaves the call as
// it is, so that the one after it can be hit.
type Fault struct {
	// Error is answered as ok:false with status 200: "invalid_auth".
	Error string
	// Status is answered in place of 200, with a page of HTML as Slack's own
	// faults have. 429 is answered as JSON with Retry-After.
	Status int
	// RetryAfter goes with status 429, in whole seconds; 0: no such header.
	RetryAfter time.Duration
	// Body is answered with status 200 in place of the API's JSON.
	Body string
	// Drop stores the message and cuts the connection without an answer.
	Drop bool
}

// Fake is one pretended workspace. It is safe for concurrent use.
type Fake struct {
	token     string
	channels  []string
	burst     int
	onMessage func(Message)
	now       func() time.Time

	mu       sync.Mutex
	limits   map[string]*rate.Limiter // by channel
	faults   []Fault
	messages []Message
	stored   int // never reset: TS counts on it

	told sync.Mutex // held while onMessage runs
}

// New returns a workspace without messages.
func New(o Options) *Fake {
	if o.Burst == 0 {
		o.Burst = defaultBurst
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnMessage == nil {
		o.OnMessage = func(Message) {}
	}
	return &Fake{
		token: o.Token, channels: slices.Clone(o.Channels), burst: o.Burst, onMessage: o.OnMessage, now: o.Now,
		limits: map[string]*rate.Limiter{},
	}
}

// Next scripts the next calls of chat.postMessage, one fault each, after those
// that are scripted already. A token or channel that is wrong comes first and
// uses up no fault.
func (f *Fake) Next(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Messages returns what was stored, oldest first.
func (f *Fake) Messages() []Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.messages)
}

// ServeHTTP answers the API below any path, such as /api/chat.postMessage.
func (f *Fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "use POST", http.StatusMethodNotAllowed)
		return
	}
	args, err := readArguments(w, r)
	if err == nil {
		err = f.authorize(args)
	}
	if err != nil {
		refuse(w, err)
		return
	}
	switch method(r) {
	case "auth.test":
		answer(w, map[string]any{
			"ok": true, "url": "https://fake.example.com/", "team": "Fake", "user": "notifier",
			"team_id": "T0000000001", "user_id": "U0000000001", "bot_id": "B0000000001",
		})
	case "chat.postMessage":
		f.post(w, args)
	default:
		refuse(w, &apiError{code: "unknown_method"})
	}
}

func (f *Fake) authorize(args arguments) error {
	switch {
	case args.token == "":
		return &apiError{code: "not_authed"}
	case f.token != "" && args.token != f.token:
		return &apiError{code: "invalid_auth"}
	}
	return nil
}

func (f *Fake) post(w http.ResponseWriter, args arguments) {
	if len(f.channels) > 0 && !slices.Contains(f.channels, args.Channel) || args.Channel == "" {
		refuse(w, &apiError{code: "channel_not_found"})
		return
	}
	fault := f.nextFault()
	if fault.answer(w) {
		return
	}
	if wait := f.tooSoon(args.Channel); wait > 0 {
		rateLimited(w, wait)
		return
	}
	m, err := args.message()
	if err != nil {
		refuse(w, err)
		return
	}
	m = f.store(m)
	f.told.Lock()
	f.onMessage(m)
	f.told.Unlock()
	if fault.Drop {
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}
	answer(w, map[string]any{
		"ok": true, "channel": m.Channel, "ts": m.TS,
		"message": map[string]any{
			"type": "message", "subtype": "bot_message", "bot_id": "B0000000001",
			"text": m.Text, "ts": m.TS, "blocks": m.RawBlocks,
		},
	})
}

func (f *Fake) nextFault() Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.faults) == 0 {
		return Fault{}
	}
	next := f.faults[0]
	f.faults = f.faults[1:]
	return next
}

// tooSoon returns how long the channel has to wait, 0 for not at all.
func (f *Fake) tooSoon(channel string) time.Duration {
	if f.burst < 0 {
		return 0
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	limit := f.limits[channel]
	if limit == nil {
		limit = rate.NewLimiter(1, f.burst)
		f.limits[channel] = limit
	}
	now := f.now()
	turn := limit.ReserveN(now, 1)
	wait := turn.DelayFrom(now)
	if wait > 0 {
		turn.CancelAt(now)
	}
	return wait
}

func (f *Fake) store(m Message) Message {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stored++
	m.At = f.now()
	m.TS = fmt.Sprintf("%d.%06d", m.At.Unix(), f.stored)
	f.messages = append(f.messages, m)
	return m
}
