package queues

import (
	"errors"
	"net/http"

	"betimes/internal/lab/emulator/reply"
)

type failedEntry struct {
	Id, Code, Message string
	SenderFault       bool
}

// entries checks the ids of a batch.
func entries(ids []string) error {
	if len(ids) == 0 {
		return refuse("EmptyBatchRequest", "There should be at least one entry in the request.")
	}
	if len(ids) > 10 {
		return refuse("TooManyEntriesInBatchRequest", "Maximum number of entries per request are 10. You have sent %d.", len(ids))
	}
	seen := map[string]bool{}
	for _, id := range ids {
		if seen[id] {
			return refuse("BatchEntryIdsNotDistinct", "Id %s repeated.", id)
		}
		seen[id] = true
	}
	return nil
}

// failed says what became of one entry; what is not the caller's fault fails all.
func failed(id string, err error) (failedEntry, error) {
	var e *reply.Error
	if !errors.As(err, &e) {
		return failedEntry{}, err
	}
	return failedEntry{id, queryCode(e.Type), e.Text, e.Status < http.StatusInternalServerError}, nil
}

type sendBatchAnswer struct {
	Successful []*sendAnswer `json:",omitempty" xml:"SendMessageBatchResultEntry"`
	Failed     []failedEntry `json:",omitempty" xml:"BatchResultErrorEntry"`
}

// sendMessageBatch is SendMessageBatch.
func (s *Service) sendMessageBatch(c call) (any, error) {
	var r struct {
		QueueUrl string
		Entries  []sendRequest
	}
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err != nil {
		return nil, err
	}
	ids, size := make([]string, len(r.Entries)), 0
	for i, e := range r.Entries {
		ids[i], size = e.Id, size+len(e.MessageBody)
	}
	if err := entries(ids); err != nil {
		return nil, err
	}
	if most := bounds["MaximumMessageSize"].most; size > most {
		return nil, refuse("BatchRequestTooLong", "Batch requests cannot be longer than %d bytes. You have sent %d bytes.", most, size)
	}
	var a sendBatchAnswer
	for i := range r.Entries {
		sent, err := s.accept(q, &r.Entries[i])
		if err == nil {
			a.Successful = append(a.Successful, sent)
			continue
		}
		bad, err := failed(r.Entries[i].Id, err)
		if err != nil {
			return nil, err
		}
		a.Failed = append(a.Failed, bad)
	}
	return a, nil
}

type deletedEntry struct{ Id string }

type deleteBatchAnswer struct {
	Successful []deletedEntry `json:",omitempty" xml:"DeleteMessageBatchResultEntry"`
	Failed     []failedEntry  `json:",omitempty" xml:"BatchResultErrorEntry"`
}

// deleteMessageBatch is DeleteMessageBatch.
func (s *Service) deleteMessageBatch(c call) (any, error) {
	var r struct {
		QueueUrl string
		Entries  []struct{ Id, ReceiptHandle string }
	}
	if err := decode(c.body, &r); err != nil {
		return nil, err
	}
	ids := make([]string, len(r.Entries))
	for i, e := range r.Entries {
		ids[i] = e.Id
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.find(r.QueueUrl)
	if err == nil {
		err = entries(ids)
	}
	if err != nil {
		return nil, err
	}
	var a deleteBatchAnswer
	for _, e := range r.Entries {
		if err := s.remove(q, e.ReceiptHandle); err != nil {
			bad, err := failed(e.Id, err)
			if err != nil {
				return nil, err
			}
			a.Failed = append(a.Failed, bad)
			continue
		}
		a.Successful = append(a.Successful, deletedEntry{e.Id})
	}
	return a, nil
}
