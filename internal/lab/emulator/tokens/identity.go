package tokens

type identity struct {
	Arn     string
	UserId  string
	Account string
}

// caller is GetCallerIdentity.
func (s *Service) caller() identity {
	return identity{"arn:aws:iam::" + s.Account + ":user/betimes", "AIDABETIMES000000000", s.Account}
}
