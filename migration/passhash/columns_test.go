package passhash

import (
	"crypto/md5"
	"encoding/hex"
	"testing"

	"github.com/stretchr/testify/require"
)

// A legacy system that took passwords for ISO 8859-1 has other bytes in its hash.
func TestLatin1(t *testing.T) {
	t.Parallel()
	sum := md5.Sum([]byte("l\xe8tmein"))
	s := Stored{Scheme: "md5@latin1", Value: hex.EncodeToString(sum[:])}
	require.NoError(t, Verify(s, "lètmein"))
	require.ErrorIs(t, Verify(s, "letmein"), ErrMismatch)
	require.ErrorIs(t, Verify(s, "日本"), ErrMismatch)
	i, err := Convert(s)
	require.NoError(t, err)
	require.NoError(t, Prove(i, "lètmein"))
	require.ErrorIs(t, Prove(i, "letmein"), ErrMismatch)

	bcrypt := Stored{Scheme: "bcrypt@latin1", Value: "$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG"}
	i, err = Convert(bcrypt)
	require.NoError(t, err)
	require.Equal(t, converted, i.Field, "password_hash says no encoding")
	require.NoError(t, Prove(i, "password"))
}

func TestMisspeltSchemeNamesItsNeighbors(t *testing.T) {
	t.Parallel()
	_, err := Convert(Stored{Scheme: "md5-salt-sufix", Value: "abc"})
	require.ErrorContains(t, err, "md5-salt-suffix")
	_, err = Convert(Stored{Scheme: "$2b$10$secret", Value: "abc"})
	require.NotContains(t, err.Error(), "secret")
	_, err = Convert(Stored{Value: "$2a$10$dXJ3SW6G7P50lGmMkkmwe.20cQQubK3.HZWzG3YB1tlRy.fqvM/BG", Iterations: "5"})
	require.ErrorContains(t, err, "takes no Iterations")
}

func TestOptionsOfAScheme(t *testing.T) {
	t.Parallel()
	s := Stored{Scheme: "md5-salt-prefix@hex", Value: "57ab8499d08c59a7211c77f557bf9425", Salt: "zz"}
	_, err := Convert(s)
	require.ErrorContains(t, err, "not of the encoding")
	s.Scheme = "md5-salt-prefix@rot13"
	_, err = Convert(s)
	require.ErrorContains(t, err, "@latin1, @hex or @base64")
}
