package lang

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/dmoctl/dmoctl/internal/diag"
)

// maxNesting bounds how deep the parser and the evaluator recurse. Both call
// themselves once a bracket, operator, index or template, and Go ends the process
// when a stack overflows.
const maxNesting = 250

// checkNesting counts, from tokens alone, how deep an expression tree can get.
func checkNesting(text []byte, path string) *diag.Diagnostic {
	tokens, _ := hclsyntax.LexConfig(text, path, hcl.InitialPos) // the parser reports lexical mistakes
	n := nesting{levels: []level{{brace: true}}}
	for _, t := range tokens {
		n.take(t.Type)
		if n.depth > maxNesting {
			d := diag.Error(diag.NestedTooDeep, "Nested too deeply", fmt.Sprintf(
				"Brackets, operators and templates are nested or chained more than %d levels deep here. Split the expression with locals.",
				maxNesting,
			)).On(t.Range)
			return &d
		}
	}
	return nil
}

// level is one open bracket: how many steps deep the expression directly in it is.
type level struct {
	steps int
	brace bool // items of it end with the line
	// sibling levels do not deepen what follows them: strings, and interpolations.
	// Brackets do (they may be an index), and so do control sequences (if, for),
	// which nest without brackets.
	sibling bool
}

// nesting sums the steps of all open levels.
type nesting struct {
	levels []level
	depth  int
}

func (n *nesting) take(t hclsyntax.TokenType) {
	switch t {
	case hclsyntax.TokenOBrace:
		n.step()
		n.levels = append(n.levels, level{brace: true})
	case hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateControl:
		n.step()
		n.levels = append(n.levels, level{})
	case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenTemplateInterp:
		n.step()
		n.levels = append(n.levels, level{sibling: true})
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote,
		hclsyntax.TokenCHeredoc, hclsyntax.TokenTemplateSeqEnd:
		n.pop()
	case hclsyntax.TokenComma:
		n.reset()
	case hclsyntax.TokenNewline:
		if n.levels[len(n.levels)-1].brace {
			n.reset()
		}
	case hclsyntax.TokenStar, hclsyntax.TokenSlash, hclsyntax.TokenPercent, hclsyntax.TokenPlus, hclsyntax.TokenMinus,
		hclsyntax.TokenEqualOp, hclsyntax.TokenNotEqual, hclsyntax.TokenLessThan, hclsyntax.TokenLessThanEq,
		hclsyntax.TokenGreaterThan, hclsyntax.TokenGreaterThanEq, hclsyntax.TokenAnd, hclsyntax.TokenOr,
		hclsyntax.TokenBang, hclsyntax.TokenQuestion, hclsyntax.TokenDot:
		n.step()
	}
}

func (n *nesting) step() {
	n.levels[len(n.levels)-1].steps++
	n.depth++
}

func (n *nesting) pop() {
	if len(n.levels) == 1 {
		return
	}
	n.reset()
	sibling := n.levels[len(n.levels)-1].sibling
	n.levels = n.levels[:len(n.levels)-1]
	if sibling {
		n.levels[len(n.levels)-1].steps--
		n.depth--
	}
}

func (n *nesting) reset() {
	top := &n.levels[len(n.levels)-1]
	n.depth -= top.steps
	top.steps = 0
}
