package sagemaker

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// vendingMachine gives keys 1, 2, 3, … that each live an hour.
type vendingMachine struct {
	given  int
	asked  int
	takes  time.Duration
	broken error
}

func (v *vendingMachine) Retrieve(ctx context.Context) (aws.Credentials, error) {
	v.asked++
	time.Sleep(v.takes)
	if v.broken != nil {
		return aws.Credentials{}, v.broken
	}
	v.given++
	return aws.Credentials{AccessKeyID: strconv.Itoa(v.given), CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
}

func key(t *testing.T, k *keyring) string {
	t.Helper()
	c, err := k.get(t.Context())
	if err != nil {
		t.Error(err)
	}
	return c.AccessKey
}

func TestCredentialsAreRefreshedAheadOfExpiryWithoutACallWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &vendingMachine{takes: time.Second}
		k := newKeyringOf(machine)
		if got := key(t, k); got != "1" {
			t.Errorf("first: %s", got)
		}
		time.Sleep(56 * time.Minute)
		asked := time.Now()
		if got := key(t, k); got != "1" || time.Since(asked) != 0 {
			t.Errorf("four minutes before expiry: %s after %v", got, time.Since(asked))
		}
		time.Sleep(2 * time.Second)
		if got := key(t, k); got != "2" {
			t.Errorf("after the refresh: %s", got)
		}
	})
}

func TestARefreshThatFailsKeepsWhatStillWorksAndTriesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &vendingMachine{}
		k := newKeyringOf(machine)
		key(t, k)
		time.Sleep(56 * time.Minute)
		machine.broken = errors.New("away")
		key(t, k)
		synctest.Wait()
		for range 100 { // calls at once: the source is not asked for each
			if got := key(t, k); got != "1" {
				t.Errorf("got %s", got)
			}
		}
		synctest.Wait()
		if machine.asked != 2 {
			t.Errorf("the source was asked %d times", machine.asked)
		}
		machine.broken = nil
		time.Sleep(30 * time.Second)
		key(t, k)
		synctest.Wait()
		if got := key(t, k); got != "2" {
			t.Errorf("got %s", got)
		}
	})
}

func TestExpiredCredentialsAreNeverUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		machine := &vendingMachine{}
		k := newKeyringOf(machine)
		key(t, k)
		time.Sleep(2 * time.Hour)
		if got := key(t, k); got != "2" {
			t.Errorf("got %s", got)
		}
		time.Sleep(2 * time.Hour)
		machine.broken = errors.New("away")
		if _, err := k.get(t.Context()); err == nil || !strings.Contains(err.Error(), "AWS_ACCESS_KEY_ID") {
			t.Errorf("got %v", err)
		}
	})
}

func TestCredentialsThatWereRefusedAreReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKeyringOf(&vendingMachine{})
		key(t, k)
		for range 3 { // calls at the same time
			if !k.renew(t.Context(), "1\x00") {
				t.Error("none others are had")
			}
		}
		if got := key(t, k); got != "2" {
			t.Errorf("got %s", got)
		}
		if k.renew(t.Context(), "2\x00") {
			t.Error("the chain is asked for every refusal")
		}
		time.Sleep(time.Minute)
		k.renew(t.Context(), "2\x00")
		if got := key(t, k); got != "3" {
			t.Errorf("later: got %s", got)
		}
	})
}
