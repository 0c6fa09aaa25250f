import { switchLanguage, t } from '../text';

/** Changes to the other language; it is written in that language, for those who do not read this one. */
export function LanguageButton() {
  return (
    <button type="button" class="quiet" data-testid="language" aria-label={t('language_label')} title={t('language_label')} onClick={switchLanguage}>
      {t('language')}
    </button>
  );
}
