package value

import (
	"strings"

	"github.com/dmoctl/dmoctl/internal/testbed/sim/oracle/internal/ora"
)

// FormatNumber writes a number by a format model of 9, 0, '.', ',', D, G, S, MI, FM, EEEE, X and TM;
// other models are ORA-01481 (SQL Language Reference, "Number Format Models"). marks holds the decimal
// and the group character, as NLS_NUMERIC_CHARACTERS does.
func FormatNumber(d Dec, format, marks string) (string, error) {
	f := strings.ToUpper(format)
	switch f {
	case "TM", "TM9":
		return strings.Replace(d.String(), ".", marks[:1], 1), nil
	case "TME":
		return scientific(d, -1), nil
	}
	compact := strings.HasPrefix(f, "FM")
	f = strings.TrimPrefix(f, "FM")
	if f != "" && strings.Trim(f, "X") == "" {
		return hexFormat(d, f, compact), nil
	}
	if strings.HasSuffix(f, "EEEE") {
		_, frac, _ := strings.Cut(strings.TrimSuffix(f, "EEEE"), ".")
		return " " + scientific(d, len(frac)), nil
	}
	return pictured(d, f, marks, compact)
}

func scientific(d Dec, decimals int) string {
	if d.Zero() {
		return "0E+00"
	}
	if decimals >= 0 {
		d = d.Significant(decimals + 1)
	}
	sign := ""
	if d.Neg {
		sign = "-"
	}
	frac := d.Digits[1:]
	if decimals > len(frac) {
		frac += strings.Repeat("0", decimals-len(frac))
	}
	if frac != "" {
		frac = "." + frac
	}
	return sign + d.Digits[:1] + frac + expText(d.point()-1)
}

func hexFormat(d Dec, f string, compact bool) string {
	n := d.Round(0).Big()
	if r := d.Round(0); r.Exp > 0 {
		n.Mul(n, pow10(r.Exp))
	}
	text := strings.ToUpper(n.Text(16))
	if d.Neg || len(text) > len(f) {
		return strings.Repeat("#", len(f)+1)
	}
	if compact {
		return text
	}
	return strings.Repeat(" ", len(f)+1-len(text)) + text
}

// pictured writes by a picture of digits.
func pictured(d Dec, f, marks string, compact bool) (string, error) {
	signFirst, signLast, minusLast := strings.HasPrefix(f, "S"), strings.HasSuffix(f, "S"), strings.HasSuffix(f, "MI")
	body := strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(f, "S"), "S"), "MI")
	body = strings.NewReplacer("D", ".", "G", ",").Replace(body)
	whole, frac, point := strings.Cut(body, ".")
	if strings.Trim(whole, "09,") != "" || strings.Trim(frac, "09") != "" || body == "" {
		return "", ora.Errorf(1481, "invalid number format model")
	}
	r := d.Round(len(frac))
	text := r.plain()
	in, fr, _ := strings.Cut(text, ".")
	fr += strings.Repeat("0", len(frac)-len(fr))
	width := len(whole) + len(frac) + 1
	if point {
		width++
	}
	places := len(whole) - strings.Count(whole, ",")
	if len(in) > places && in != "0" {
		return strings.Repeat("#", width), nil
	}
	if in == "0" && len(frac) > 0 && !strings.Contains(whole, "0") {
		in = ""
	}
	out := group(in, whole, marks)
	if point {
		out += marks[:1] + fr
	}
	if compact && point && strings.Trim(frac, "9") == "" {
		out = strings.TrimRight(out, "0")
	}
	switch sign := map[bool]string{true: "-", false: "+"}[r.Neg]; {
	case signFirst:
		out = sign + out
	case signLast:
		out += sign
	case minusLast && r.Neg:
		out += "-"
	case r.Neg:
		out = "-" + out
	}
	if !compact && len(out) < width {
		out = strings.Repeat(" ", width-len(out)) + out
	}
	return out, nil
}

// plain writes the number without a sign and without an exponent.
func (d Dec) plain() string {
	if d.Zero() {
		return "0"
	}
	p := d.point()
	switch {
	case p <= 0:
		return "0." + strings.Repeat("0", -p) + d.Digits
	case p >= len(d.Digits):
		return d.Digits + strings.Repeat("0", p-len(d.Digits))
	}
	return d.Digits[:p] + "." + d.Digits[p:]
}

// group fills a picture's whole part from the right.
func group(in, picture, marks string) string {
	var out []byte
	for i := len(picture) - 1; i >= 0; i-- {
		switch {
		case picture[i] == ',' && (in != "" || strings.Contains(picture[:i], "0")):
			out = append(out, marks[1])
		case picture[i] == ',':
		case in != "":
			out = append(out, in[len(in)-1])
			in = in[:len(in)-1]
		case strings.Contains(picture[:i+1], "0"):
			out = append(out, '0')
		}
	}
	for i, j := 0, len(out)-1; i < j; i, j = i+1, j-1 {
		out[i], out[j] = out[j], out[i]
	}
	return string(out)
}
