package training

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
)

// environment tells a program where everything is, by AWS's names and by those
// of its training toolkit. ml is the folder as the program sees it.
func (r *Runner) environment(j Job, ml string) []string {
	own := map[string]string{
		"TRAINING_JOB_NAME": j.Name, "TRAINING_JOB_ARN": j.ARN,
		"SM_MODEL_DIR": path.Join(ml, "model"), "SM_OUTPUT_DIR": path.Join(ml, "output"), "SM_OUTPUT_DATA_DIR": path.Join(ml, "output/data"),
		"SM_INPUT_DIR": path.Join(ml, "input"), "SM_INPUT_CONFIG_DIR": path.Join(ml, "input/config"), "SM_CHECKPOINT_DIR": path.Join(ml, "checkpoints"),
		"SM_HOSTS": `["` + host + `"]`, "SM_CURRENT_HOST": host, "SM_NUM_GPUS": "0", "SM_CURRENT_INSTANCE_TYPE": j.InstanceType,
		"SM_HPS": string(hyperValues(hyperOf(j))), "SM_CHANNELS": string(channelNames(j)),
	}
	for _, c := range j.Channels {
		own["SM_CHANNEL_"+strings.ToUpper(c.Name)] = path.Join(ml, "input/data", c.Name)
	}
	for name, value := range j.Hyper {
		own["SM_HP_"+strings.ToUpper(name)] = value
	}
	maps.Copy(own, r.Variables)
	maps.Copy(own, j.Environment)
	list := make([]string, 0, len(own))
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if !strings.ContainsAny(name+own[name], "\x00") { // no process can be given one
			list = append(list, name+"="+own[name])
		}
	}
	return list
}

// hyperValues gives values that are JSON as such and others as text, like the toolkit.
func hyperValues(hyper map[string]string) []byte {
	values := map[string]any{}
	for name, text := range hyper {
		values[name] = text
		if json.Valid([]byte(text)) {
			values[name] = json.RawMessage(text)
		}
	}
	raw, _ := json.Marshal(values) // text and valid JSON
	return raw
}

func channelNames(j Job) []byte {
	names := []string{}
	for _, c := range j.Channels {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	raw, _ := json.Marshal(names)
	return raw
}
