import { go } from '../../chat/route';
import { friends, questions, type Friend } from '../../people/friends';
import { nameOf } from '../../people/people';
import { t, type TextKey } from '../../text';
import { PersonAvatar } from '../Avatar';
import { Question } from '../details/PersonDetails';

/** Friends, and questions in either direction. */
export function PeopleList() {
  const all = [...friends.value.values()].sort((a, b) => nameOf(a.friends).localeCompare(nameOf(b.friends)));
  return (
    <div class="conversations" data-testid="people-list">
      {questions.value.length > 0 && (
        <section class="questions">
          <h2>{t('requests')}</h2>
          {questions.value.map((q) => (
            <Question key={q.friends} account={q.friends} text={q.text} />
          ))}
        </section>
      )}
      <Group heading="friends" people={all.filter((f) => f.state === 'accepted')} />
      <Group heading="asked" people={all.filter((f) => f.state === 'asked')} />
      {all.length === 0 && <p class="muted empty">{t('people_none')}</p>}
    </div>
  );
}

function Group({ heading, people }: { heading: TextKey; people: readonly Friend[] }) {
  if (people.length === 0) return null;
  return (
    <section>
      <h2>{t(heading)}</h2>
      <ul>
        {people.map((f) => (
          <li key={f.friends}>
            <button type="button" class="conversation person" data-testid="friend" data-user={f.friends} onClick={() => go({ kind: 'pair', id: f.friends })}>
              <PersonAvatar account={f.friends} dot />
              <span class="name ellipsis">{nameOf(f.friends)}</span>
              <span class="last muted ellipsis">{f.friends}</span>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
