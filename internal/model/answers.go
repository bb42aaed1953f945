package model

// Answered parts the body of a reply into the answers of a request, in order.
// The error's class is bad input when the request's content type has no codec,
// else bad output; the caller names the endpoint.
func Answered(r *Request, body []byte, contentType string) ([]Answer, error) {
	if len(r.Items) == 1 {
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
