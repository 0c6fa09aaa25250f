import { signal } from '@preact/signals';
import { t, type Params, type TextKey } from '../text';
import { Dialog } from './Dialog';

interface Question {
  text: TextKey;
  params: Params;
  /** What the button that does it says, which is also the heading. */
  yes: TextKey;
  answer: (yes: boolean) => void;
}

const question = signal<Question | undefined>(undefined);

/** Asks before something that cannot be taken back. */
export function confirmed(yes: TextKey, text: TextKey, params: Params = {}): Promise<boolean> {
  return new Promise((resolve) => {
    question.value = {
      text,
      params,
      yes,
      answer(answered) {
        question.value = undefined;
        resolve(answered);
      },
    };
  });
}

/** The question asked at this moment, if any. */
export function Confirm() {
  const q = question.value;
  if (!q) return null;
  return (
    <Dialog title={t(q.yes)} testid="confirm" onClose={() => q.answer(false)}>
      <div class="stack">
        <p>{t(q.text, q.params)}</p>
        <div class="row end">
          <button type="button" autofocus onClick={() => q.answer(false)}>{t('cancel')}</button>
          <button type="button" class="danger" data-testid="confirm-yes" onClick={() => q.answer(true)}>{t(q.yes)}</button>
        </div>
      </div>
    </Dialog>
  );
}
