package exportfile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// maxElement bounds one element of an object name, in bytes: file systems end at 255.
const maxElement = 200

// Escape returns text as one element of an object name. Everything but lower-case
// ASCII letters, digits, '.', '-' and '_' becomes %XX a byte, slashes and a leading
// '.' included, so that names differ on file systems that ignore case. A very long
// result is cut and ends in a hash of the whole.
func Escape(text string) string {
	var b strings.Builder
	for i := range len(text) {
		c := text[i]
		if plain(c) && (c != '.' || i > 0) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	s := b.String()
	if len(s) <= maxElement {
		return s
	}
	sum := sha256.Sum256([]byte(text))
	cut := s[:maxElement-33]
	if i := strings.LastIndexByte(cut, '%'); i > len(cut)-3 {
		cut = cut[:i]
	}
	return cut + "-" + hex.EncodeToString(sum[:16])
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '.' || c == '-' || c == '_'
}

// ObjectName names the n-th object, from 1, of one attempt at a package: owner is
// the number of the journal entry by which the exporter became the owner, attempt 12
// hexadecimal digits.
func ObjectName(pkg string, owner int64, attempt string, n int) string {
	return fmt.Sprintf("data/%s/%d-%s/%d", Escape(pkg), owner, Escape(attempt), n)
}

// objectName is the form of ObjectName's names.
var objectName = regexp.MustCompile(`^data/[^/]+/([1-9][0-9]{0,18})-([0-9a-f]{12})/[1-9][0-9]*$`)

// ParseObjectName returns the owner number and the attempt that an object of ours is named
// after. ok is false for names of another form: such an object is somebody else's.
func ParseObjectName(name string) (owner int64, attempt string, ok bool) {
	parts := objectName.FindStringSubmatch(name)
	if parts == nil || !ValidName(name) {
		return 0, "", false
	}
	owner, err := strconv.ParseInt(parts[1], 10, 64)
	return owner, parts[2], err == nil
}

// ValidName says whether a staging takes the name: slash-separated elements of
// what Escape writes.
func ValidName(name string) bool {
	if name == "" || len(name) > 1000 {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == "" || len(element) > 255 || element[0] == '.' || !validElement(element) {
			return false
		}
	}
	return true
}

func validElement(s string) bool {
	for i := 0; i < len(s); i++ {
		switch {
		case plain(s[i]):
		case s[i] == '%' && i+2 < len(s) && upperHex(s[i+1]) && upperHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func upperHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'A' && c <= 'F' }
