import type { Conversation } from '../../chat/line';
import { compose } from '../../chat/markup';
import { filesOf, type Parcel } from '../../chat/parcels';
import { me } from '../../session/session';
import { TransferRow } from '../files/TransferRow';
import { Quote } from './Quote';
import { Text } from './Text';

/** A message whose files are still on their way. */
export function ParcelView({ parcel, c }: { parcel: Parcel; c: Conversation }) {
  const { text, reply_to, mentions } = parcel.content;
  return (
    <article class="message mine pending parcel" data-testid="message" data-seq="" data-author={me.value} data-state="uploading">
      {reply_to && <Quote conversation={c.conversation} message_id={reply_to} />}
      {text && <Text text={compose(text, [])} mentioned={mentions ?? []} conversation={c.conversation} />}
      {/* What changes all the time is not read out. */}
      <ul class="transfers" aria-live="off">
        {filesOf(parcel).map((transfer) => (
          <TransferRow key={transfer.id} transfer={transfer} />
        ))}
      </ul>
    </article>
  );
}
