import type en from '../en/refusals';

const words: Record<keyof typeof en, string> = {
  'refusal.unreachable': 'Die Börse war nicht erreichbar. Ob es geklappt hat, wissen wir nicht: Sehen Sie nach, bevor Sie es wiederholen.',
  'refusal.unknown': 'Auf dieser Seite ist etwas schiefgegangen.',
  'refusal.invalid_input': 'Etwas fehlt oder ist falsch.',
  'refusal.not_authenticated': 'Das war nicht richtig.',
  'refusal.session_expired': 'Ihre Sitzung ist beendet.',
  'refusal.permission_missing': 'Ihr Konto darf das gerade nicht.',
  'refusal.second_factor_required': 'Dafür ist Ihr zweiter Faktor nötig.',
  'refusal.tier_too_low': 'Lassen Sie zuerst Ihre Identität prüfen.',
  'refusal.limit_exceeded': 'Das ist über Ihrer Grenze.',
  'refusal.weak_password': 'Wählen Sie ein anderes Passwort.',
  'refusal.in_flight': 'Ihre erste Anfrage läuft noch.',
  'refusal.wrong_state': 'Dafür ist es zu spät oder zu früh.',
  'refusal.withdrawals_held': 'Auszahlungen sind für eine Weile gesperrt.',
  'refusal.address_not_allowed': 'Diese Adresse ist nicht in Ihrem Adressbuch oder noch nicht nutzbar.',
  'refusal.market_not_trading': 'Dieser Markt handelt im Moment nicht.',
  'refusal.asset_paused': 'Dieses Asset ist für eine Weile angehalten.',
  'refusal.invalid_amount': 'Diesen Betrag können wir nicht annehmen.',
  'refusal.invalid_address': 'An diese Adresse können wir nicht zahlen.',
  'refusal.market_rule_broken': 'Das bricht eine Regel des Markts.',
  'refusal.insufficient_available': 'Sie haben nicht genug verfügbar.',
  'refusal.rate_limited': 'Zu viele Versuche. Warten Sie einen Moment.',
  'refusal.internal_error': 'Bei uns ist etwas schiefgegangen. Ob es geklappt hat, wissen wir nicht: Sehen Sie nach, bevor Sie es wiederholen.',
  'refusal.outcome_unknown': 'Wir wissen nicht, was daraus wurde: Sehen Sie nach, bevor Sie es wiederholen.',
  'refusal.unavailable': 'Ein Teil der Börse ist ausgefallen. Es ist nichts geschehen; versuchen Sie es gleich wieder.',
  'refusal.requirements_missing': 'Es fehlt noch etwas.',
  'refusal.body_too_large': 'Das ist zu groß.',
  'refusal.not_allowed': 'Das ist nicht erlaubt.',
};

export default words;
