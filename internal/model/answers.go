package model

// Answered parts the body of a reply into the answers of a request, in order. What
// cannot be an answer is none, also to one item: else the endpoint that fails so would
// be the quickest. The error's class is bad input when the request's content type has
// no codec, else bad output; the caller names the endpoint.
func Answered(r *Request, body []byte, contentType string) ([]Answer, error) {
	if len(r.Items) == 1 {
		if err := r.check(body, contentType); err != nil {
			return nil, &Error{Class: ClassBadOutput, Err: err}
		}
		return []Answer{{Body: body}}, nil
	}
	codec, err := r.Codec()
	if err != nil {
		return nil, &Error{Class: ClassBadInput, Err: err}
	}
	parts, err := codec.Split(body, contentType, len(r.Items))
	if err != nil {
		return nil, &Error{Class: ClassBadOutput, Err: err}
	}
	answers := make([]Answer, len(parts))
	for i := range parts {
		answers[i].Body = parts[i]
	}
	return answers, nil
}

// check says why a body cannot be the answer to the only item.
func (r *Request) check(body []byte, contentType string) error {
	if !r.Form.Named() {
		return readable(body, contentType)
	}
	codec, err := r.Codec()
	if err != nil {
		return err
	}
	if _, err := codec.Decode(body, contentType); err != nil {
		return err
	}
	if l, ok := findList(body); ok && r.Form == FormInstances && len(l.elements) == 0 {
		return miscounted(0, 1)
	}
	return nil
}
