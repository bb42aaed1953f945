package house

import "strings"

// Floor is how high a package stands: imports go down only.
type Floor int

// The floors, from the bottom.
const (
	Words   Floor = iota // what is spoken of: standard library only
	Doors                // one outside system each
	Rooms                // the flow and the watch; none imports another
	Hands                // steer, lab, dashboard: act, try, show
	Desk                 // config
	Wiring               // app
	Command              // cmd
)

// rooms are the packages that stand as one, by the first part of their path
// below internal/; a sub-room counts as its room.
var rooms = map[string]Floor{
	"event": Words, "budget": Words, "model": Words, "lifecycle": Words,
	"setting": Words, "pulse": Words, "privacy": Words, "pointer": Words, "logbook": Words, "failpoint": Words, "series": Words,
	"kafka": Doors, "sagemaker": Doors, "rest": Doors, "oip": Doors, "listen": Doors,
	"flow/gateway": Rooms, "flow/stream": Rooms, "flow/feature": Rooms,
	"flow/admit": Rooms, "flow/balance": Rooms, "flow/batch": Rooms, "watch/latency": Rooms, "watch/trail": Rooms,
	"steer/letters": Hands, "steer/rollout": Hands, "lab/broker": Hands, "lab/emulator": Hands, "lab/learn": Hands, "lab/loadgen": Hands, "lab/sketch": Hands, "lab/realkafka": Hands, "lab/verify": Hands,
	"lab/fault": Hands,
	"dashboard": Hands, "admin": Hands,
	"config": Desk, "app": Wiring, "house": Command,
}

// stairs are the allowed imports between two packages of one floor.
var stairs = map[string][]string{
	"budget":       {"event"},
	"model":        {"event", "setting"}, // setting: the headers of a configuration, in exchange
	"lab/emulator": {"lab/learn"},
	"dashboard":    {"admin"},
}

// vendors are libraries with their only users.
var vendors = map[string][]string{
	"github.com/twmb/franz-go/pkg/kgo":   {"kafka"},
	"github.com/twmb/franz-go/pkg/kadm":  {"kafka"},
	"github.com/twmb/franz-go/pkg/kfake": {"lab/broker"},
	"github.com/twmb/franz-go/pkg/kmsg":  {"kafka", "lab/fault", "lab/broker"}, // fault: reads frames on their way; broker: looks at requests before kfake does
	"github.com/twmb/avro":               {"kafka"},
	"github.com/expr-lang/expr":          {"flow/feature"},
	"github.com/goccy/go-yaml":           {"config"},
	"github.com/invopop/jsonschema":      {"config"},
	"github.com/aws/aws-sdk-go-v2":       {"sagemaker"},
	"github.com/aws/smithy-go":           {"lab/emulator", "sagemaker"}, // its CBOR, in which the Go client asks CloudWatch; the type of its logger
	"github.com/spf13/cobra":             {"cmd"},
	"google.golang.org/grpc":             {"oip"},
	"google.golang.org/protobuf":         {"oip"}, // protowire: the messages of the protocol, written by hand
}

// roomOf tells the room of a package path below the module, "" when none is known.
func roomOf(path string) string {
	path, ok := strings.CutPrefix(path, "internal/")
	if !ok {
		if path == "cmd" || strings.HasPrefix(path, "cmd/") {
			return "cmd"
		}
		return ""
	}
	for p := path; p != "."; {
		if _, ok := rooms[p]; ok {
			return p
		}
		i := strings.LastIndexByte(p, '/')
		if i < 0 {
			return ""
		}
		p = p[:i]
	}
	return ""
}

// floorOf tells the floor of a room.
func floorOf(room string) Floor {
	if room == "cmd" {
		return Command
	}
	return rooms[room]
}
