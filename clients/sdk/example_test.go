package sdk_test

import (
	"context"
	"log"

	"neochat/clients/sdk"
)

// A bot that answers every text with the same text, and does so once, however often
// its connection breaks.
func Example() {
	ctx := context.Background()
	client, err := sdk.Dial(ctx, sdk.Options{URL: "https://chat.example.org", Account: "echo", Password: "a long password"})
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for event := range client.Events() {
		m, ok := event.(sdk.Message)
		if !ok || m.Type != sdk.TypeText || m.Author == client.Account() {
			continue
		}
		// an id that follows from the message: a second start does not answer it again
		if _, err := client.Send(ctx, sdk.To{Conversation: m.Conversation}, sdk.Draft{Text: m.Text, ClientMessageID: "echo-" + m.ID}); err != nil {
			log.Print(err)
		}
	}
	log.Print(client.Err())
}
