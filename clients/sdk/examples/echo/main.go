// Command echo answers every text with the same text, once, however often its connection
// breaks or it is started anew: what it handled is kept in a file.
//
//	NEOCHAT_PASSWORD=… echo -server https://chat.example.org -account echo -state echo.state
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"neochat/clients/sdk"
)

func main() {
	server := flag.String("server", "http://localhost:8080", "address of the server")
	account := flag.String("account", "echo", "account to answer as")
	path := flag.String("state", "echo.state", "file that keeps what was handled")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := echo(ctx, *server, *account, os.Getenv("NEOCHAT_PASSWORD"), *path); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}

// echo answers until ctx ends, or until the server will have the account no more.
func echo(ctx context.Context, server, account, password, path string) error {
	state, err := sdk.OpenFileState(path)
	if err != nil {
		return err
	}
	defer func() { _ = state.Close() }() // each change was written when it was made
	client, err := sdk.Dial(ctx, sdk.Options{URL: server, Account: account, Password: password, Device: "echo", State: state})
	if err != nil {
		return fmt.Errorf("log in as %s: %w", account, err)
	}
	defer client.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case event, ok := <-client.Events():
			if !ok {
				return client.Err()
			}
			m, isMessage := event.(sdk.Message)
			if !isMessage || m.Type != sdk.TypeText || m.Author == account {
				continue
			}
			// An event that was not handled to its end when the program died comes again. An id that follows
			// from the message keeps the answer from being given twice.
			answer := sdk.Draft{Text: m.Text, ReplyTo: m.ID, ClientMessageID: "echo-" + m.ID}
			if _, err := client.Send(ctx, sdk.To{Conversation: m.Conversation}, answer); err != nil && ctx.Err() == nil {
				fmt.Fprintf(os.Stderr, "echo: %s is not answered: %v\n", m.ID, err)
			}
		}
	}
}
