package form

import (
	"bytes"
	"encoding/xml"
	"net/http"

	"betimes/internal/lab/emulator/reply"
)

// Entry is one entry of a map, as XML has it.
type Entry struct {
	Key   string `xml:"key"`
	Value string `xml:"value"`
}

// Answer writes result in the namespace of a service; nil for operations that answer nothing.
func Answer(w http.ResponseWriter, space, operation string, result any) error {
	var out bytes.Buffer
	e := xml.NewEncoder(&out)
	root := xml.StartElement{Name: xml.Name{Local: operation + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: space}}}
	err := e.EncodeToken(root)
	if err == nil && result != nil {
		err = e.EncodeElement(result, xml.StartElement{Name: xml.Name{Local: operation + "Result"}})
	}
	if err == nil {
		err = e.EncodeElement(struct{ RequestId string }{reply.ID()}, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}})
	}
	if err == nil {
		err = e.EncodeToken(root.End())
	}
	if err == nil {
		err = e.Close()
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/xml")
	_, err = w.Write(out.Bytes())
	return err
}

type refusal struct {
	XMLName   xml.Name
	Type      string `xml:"Error>Type"`
	Code      string `xml:"Error>Code"`
	Message   string `xml:"Error>Message"`
	RequestID string `xml:"RequestId"`
}

// Refuse writes e; its type is the code.
func Refuse(w http.ResponseWriter, space string, e *reply.Error) {
	side := "Sender"
	if e.Status >= http.StatusInternalServerError {
		side = "Receiver"
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(e.Status)
	_ = xml.NewEncoder(w).Encode(refusal{XMLName: xml.Name{Space: space, Local: "ErrorResponse"}, Type: side, Code: e.Type, Message: e.Text, RequestID: reply.ID()}) // the caller may have gone
}
