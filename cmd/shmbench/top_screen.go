package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	tea "github.com/charmbracelet/bubbletea"
)

// screen is top on a terminal.
func (t *top) screen(ctx context.Context, out *os.File) error {
	m := &screen{top: t}
	_, err := tea.NewProgram(m, tea.WithContext(ctx), tea.WithOutput(out), tea.WithAltScreen()).Run()
	if errors.Is(err, tea.ErrProgramKilled) && ctx.Err() != nil {
		return nil
	}
	return errors.Join(err, m.err)
}

// screen is what bubbletea runs: look, show, wait.
type screen struct {
	top           *top
	width, height int
	lines         []activity
	text          string
	above         int // rows that are scrolled away
	looks         int
	err           error
}

// titles are the rows that stay where they are: what is shown, and the columns.
const titles = 3

// looked is the message that a look is done.
type looked struct {
	lines []activity
	err   error
}

func (m *screen) Init() tea.Cmd {
	return func() tea.Msg {
		if err := m.top.first(); err != nil {
			return looked{err: err}
		}
		return m.look()
	}
}

func (m *screen) look() tea.Msg {
	lines, err := m.top.next(time.Now())
	return looked{lines, err}
}

func (m *screen) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.KeyMsg:
		page := max(m.height-titles, 1)
		switch msg.String() {
		case "q", "esc", "ctrl+c":
			return m, tea.Quit
		case "down", "j":
			m.above++
		case "up", "k":
			m.above--
		case "pgdown", " ":
			m.above += page
		case "pgup":
			m.above -= page
		case "home", "g":
			m.above = 0
		case "end", "G":
			m.above = strings.Count(m.text, "\n")
		}
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
		m.text = m.draw()
	case looked:
		if m.err = msg.err; m.err != nil {
			return m, tea.Quit
		}
		m.lines = msg.lines
		m.text = m.draw()
		if m.looks++; m.looks == m.top.count {
			return m, tea.Quit
		}
		return m, tea.Tick(m.top.interval, func(time.Time) tea.Msg { return m.look() })
	}
	return m, nil
}

func (m *screen) draw() string {
	lines := m.lines
	if lines == nil {
		return "" // nothing was looked at yet
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s   %s   every %v   q quits", summary(lines), time.Now().Format(time.TimeOnly), m.top.interval)
	if m.height > 0 && len(lines)+titles > m.height {
		b.WriteString(", arrows scroll")
	}
	b.WriteString("\n\n")
	_ = m.top.write(&b, lines, m.width) // a Builder fails at nothing
	return b.String()
}

// View cuts the text to the screen.
func (m *screen) View() string {
	rows := strings.Split(strings.TrimSuffix(m.text, "\n"), "\n")
	if m.height > 0 && len(rows) > m.height {
		m.above = max(min(m.above, len(rows)-m.height), 0)
		if m.height > titles {
			rows = append(rows[:titles:titles], rows[titles+m.above:]...)
		}
		rows = rows[:m.height]
	} else {
		m.above = 0
	}
	for i, r := range rows {
		if line := []rune(r); m.width > 0 && len(line) > m.width {
			rows[i] = string(line[:m.width])
		}
	}
	return strings.Join(rows, "\n")
}
