package reply

import (
	"net/http"
	"time"

	"betimes/internal/lab/emulator/journal"
)

// Operation is one request of an awsJson service, named in X-Amz-Target.
type Operation struct {
	Name, Resource string
	Journal        *journal.Journal
	Run            func() (any, error)
	Refused        func(error) *Error // what the client is told of an error
}

// Serve runs an operation, answers it and notes it in the journal.
func (o Operation) Serve(w http.ResponseWriter) {
	began := time.Now()
	note := journal.Entry{Time: began, Kind: journal.Request, Operation: o.Name, Resource: o.Resource, Status: http.StatusOK}
	answer, err := o.Run()
	if err == nil {
		err = JSON(w, answer)
	}
	if err != nil {
		refused := o.Refused(err)
		note.Status, note.Error = refused.Status, refused.Type
		refused.Write(w)
	}
	note.Micros = time.Since(began).Microseconds()
	o.Journal.Note(note)
}
