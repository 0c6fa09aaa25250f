package sdk_test

import (
	"context"
	"fmt"
	"log"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
)

// exampleServer is a server with the accounts ann and bob, and two clients of it.
func exampleServer(ctx context.Context) (s *sdktest.Server, ann, bob *sdk.Client) {
	s = sdktest.New()
	var clients []*sdk.Client
	for _, account := range []string{"ann", "bob"} {
		s.AddAccount(account, "a long password")
		c, err := sdk.Dial(ctx, sdk.Options{URL: s.URL, Account: account, Password: "a long password", Device: "laptop"})
		if err != nil {
			log.Fatal(err)
		}
		clients = append(clients, c)
	}
	return s, clients[0], clients[1]
}

// Two clients talk. A text that was sent is stored; it arrives once, however often a connection breaks.
func Example() {
	ctx := context.Background()
	server, ann, bob := exampleServer(ctx)
	defer server.Close()
	defer ann.Close()
	defer bob.Close()

	if _, err := ann.Text(ctx, sdk.To{Account: "bob"}, "Shall we eat at noon?"); err != nil {
		log.Fatal(err)
	}
	for event := range bob.Events() {
		if m, ok := event.(sdk.Message); ok {
			fmt.Println(m.Author, "says:", m.Text)
			if _, err := bob.Send(ctx, sdk.To{Conversation: m.Conversation}, sdk.Draft{Text: "Yes.", ReplyTo: m.ID}); err != nil {
				log.Fatal(err)
			}
			break
		}
	}
	for event := range ann.Events() {
		if m, ok := event.(sdk.Message); ok {
			fmt.Println(m.Author, "answers:", m.Text)
			break
		}
	}
	// Output:
	// ann says: Shall we eat at noon?
	// bob answers: Yes.
}

// Every kind of thing that can happen is a type of its own.
func ExampleClient_Events() {
	ctx := context.Background()
	server, ann, bob := exampleServer(ctx)
	defer server.Close()
	defer ann.Close()
	defer bob.Close()

	sent, err := ann.Text(ctx, sdk.To{Account: "bob"}, "Shall we eat at nine?")
	if err != nil {
		log.Fatal(err)
	}
	for _, do := range []func() error{
		func() error { return ann.Edit(ctx, sent.MessageID, "Shall we eat at noon?") },
		func() error { return ann.React(ctx, sent.MessageID, "🍜") },
		func() error { return ann.Delete(ctx, sent.MessageID, true) },
	} {
		if err := do(); err != nil {
			log.Fatal(err)
		}
	}
	for event := range bob.Events() {
		switch v := event.(type) {
		case sdk.Message:
			fmt.Println("message:", v.Text)
		case sdk.Edit:
			fmt.Println("edited:", v.Text)
		case sdk.Reaction:
			fmt.Println(v.Account, "reacted:", v.Reaction)
		case sdk.Deletion:
			fmt.Println("deleted")
			return
		}
	}
	// Output:
	// message: Shall we eat at nine?
	// edited: Shall we eat at noon?
	// ann reacted: 🍜
	// deleted
}

// A client with a State takes up where the one before ended, though that was another process.
func ExampleState() {
	ctx := context.Background()
	server, ann, bob := exampleServer(ctx)
	defer server.Close()
	defer ann.Close()
	defer bob.Close()

	state := &memory{} // a program uses sdk.OpenFileState
	options := sdk.Options{URL: server.URL, Account: "bob", Password: "a long password", Device: "archive", State: state}
	for _, text := range []string{"first", "second"} {
		archive, err := sdk.Dial(ctx, options)
		if err != nil {
			log.Fatal(err)
		}
		if text == "second" {
			fmt.Println("this was said while there was no program:")
		}
		if _, err := ann.Text(ctx, sdk.To{Account: "bob"}, text); err != nil {
			log.Fatal(err)
		}
		for event := range archive.Events() {
			if m, ok := event.(sdk.Message); ok {
				fmt.Println(m.Text)
				if m.Text == text {
					break
				}
			}
		}
		archive.Close()
		if _, err := ann.Text(ctx, sdk.To{Account: "bob"}, "after "+text); err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// first
	// this was said while there was no program:
	// after first
	// second
}

// Groups have members, who have permissions.
func ExampleClient_CreateGroup() {
	ctx := context.Background()
	server, ann, bob := exampleServer(ctx)
	defer server.Close()
	defer ann.Close()
	defer bob.Close()

	group, err := ann.CreateGroup(ctx, "Garden", "what grows where", "bob")
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ann.Text(ctx, sdk.To{GroupID: group.ID}, "The roses need water."); err != nil {
		log.Fatal(err)
	}
	for event := range bob.Events() {
		if m, ok := event.(sdk.Message); ok && m.Type == sdk.TypeText {
			fmt.Println(m.Author, "in a group:", m.Text)
			break
		}
	}
	members, err := bob.Members(ctx, group.ID)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(members), "members")
	// Output:
	// ann in a group: The roses need water.
	// 2 members
}
