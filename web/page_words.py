"""The words of the pages, in Spanish, English and Portuguese."""

from __future__ import annotations

from babel.core import negotiate_locale

from web.agreement_words import AGREEMENT_WORDS
from web.message_words import MESSAGE_WORDS
from web.thread_words import THREAD_WORDS

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "sign_in": "Sign in",
        "login": "User name",
        "home": "Start",
        "campaign": "Campaign",
        "password_changed": "Your password has been changed.",
        "password": "Password",  # nosec B105 # a label
        "with_provider": "Sign in with",
        "refused": "User name or password is wrong, or the account is closed.",
        "wait": "Too many attempts. Please wait {} seconds.",
        "unsent": "You were no longer signed in: nothing was sent or changed. Sign in and do it again.",
        "typed": "What you had written: copy it before you sign in",
        "no_role": "You are known, but you have no role in Recobro. Ask whoever administers the accounts.",
        "failed": "The sign-in was not completed. Please try again.",
        "again": "Back to the sign-in",
        "sign_out": "Sign out",
        "signed_in_as": "Signed in as",
        "cases": "Cases waiting",
        "no_cases": "No case is waiting for a person.",
        "overdue": "overdue",
        "queue": "Queue",
        "waiting": "Waiting",
        "campaigns": "Campaigns",
        "no_campaigns": "No campaign yet: starter.py campaign start FILE begins one.",
        "state": "State",
        "started": "Started",
        "of": "of",
        "change_password": "Change password",  # nosec B105 # a label
        "current": "Current password",
        "new": "New password (12 characters or more)",
        "save": "Save",
        "current_wrong": "That is not the current password.",
        "weak": "Choose one of at least 12 characters that does not contain your user name.",
        "back": "Back",
        "operator": "operator",
        "agent": "agent",
        "supervisor": "supervisor",
        "auditor": "auditor",
        "running": "running",
        "paused": "paused",
        "stopped": "stopped",
        "finished": "finished",
    },
    "es": {
        "sign_in": "Iniciar sesión",
        "login": "Usuario",
        "home": "Inicio",
        "campaign": "Campaña",
        "password_changed": "Su contraseña se ha cambiado.",
        "password": "Contraseña",  # nosec B105 # a label
        "with_provider": "Entrar con",
        "refused": "El usuario o la contraseña no son correctos, o la cuenta está cerrada.",
        "wait": "Demasiados intentos. Espere {} segundos.",
        "unsent": "Su sesión había terminado: no se ha enviado ni cambiado nada. Entre y hágalo de nuevo.",
        "typed": "Lo que había escrito: cópielo antes de entrar",
        "no_role": "Le conocemos, pero no tiene ningún rol en Recobro. Hable con quien administra las cuentas.",
        "failed": "No se pudo completar el inicio de sesión. Empiece de nuevo.",
        "again": "Volver al inicio de sesión",
        "sign_out": "Cerrar sesión",
        "signed_in_as": "Sesión de",
        "cases": "Casos en espera",
        "no_cases": "No hay casos en espera.",
        "overdue": "fuera de plazo",
        "queue": "Cola",
        "waiting": "En espera",
        "campaigns": "Campañas",
        "no_campaigns": "Aún no hay campañas: starter.py campaign start FICHERO inicia una.",
        "state": "Estado",
        "started": "Iniciados",
        "of": "de",
        "change_password": "Cambiar la contraseña",  # nosec B105 # a label
        "current": "Contraseña actual",
        "new": "Contraseña nueva (12 caracteres o más)",
        "save": "Guardar",
        "current_wrong": "Esa no es la contraseña actual.",
        "weak": "Elija una de al menos 12 caracteres que no contenga su nombre de usuario.",
        "back": "Volver",
        "operator": "operador",
        "agent": "agente",
        "supervisor": "supervisor",
        "auditor": "auditor",
        "running": "en marcha",
        "paused": "en pausa",
        "stopped": "detenida",
        "finished": "terminada",
    },
    "pt": {
        "sign_in": "Entrar",
        "login": "Usuário",
        "home": "Início",
        "campaign": "Campanha",
        "password_changed": "Sua senha foi alterada.",
        "password": "Senha",  # nosec B105 # a label
        "with_provider": "Entrar com",
        "refused": "O usuário ou a senha não estão certos, ou a conta está fechada.",
        "wait": "Tentativas demais. Espere {} segundos.",
        "unsent": "Sua sessão havia terminado: nada foi enviado nem mudado. Entre e faça de novo.",
        "typed": "O que você havia escrito: copie antes de entrar",
        "no_role": "Conhecemos você, mas você não tem nenhuma função no Recobro. Fale com quem administra as contas.",
        "failed": "Não foi possível concluir a entrada. Comece de novo.",
        "again": "Voltar à entrada",
        "sign_out": "Sair",
        "signed_in_as": "Sessão de",
        "cases": "Casos em espera",
        "no_cases": "Não há casos em espera.",
        "overdue": "fora do prazo",
        "queue": "Fila",
        "waiting": "Em espera",
        "campaigns": "Campanhas",
        "no_campaigns": "Ainda não há campanhas: starter.py campaign start ARQUIVO inicia uma.",
        "state": "Situação",
        "started": "Iniciados",
        "of": "de",
        "change_password": "Mudar a senha",  # nosec B105 # a label
        "current": "Senha atual",
        "new": "Senha nova (12 caracteres ou mais)",
        "save": "Salvar",
        "current_wrong": "Essa não é a senha atual.",
        "weak": "Escolha uma de pelo menos 12 caracteres que não contenha o seu nome de usuário.",
        "back": "Voltar",
        "operator": "operador",
        "agent": "agente",
        "supervisor": "supervisor",
        "auditor": "auditor",
        "running": "em andamento",
        "paused": "em pausa",
        "stopped": "parada",
        "finished": "terminada",
    },
}


def language_of(accept_language: str) -> str:
    """The language the browser asks for first among ours; English if it asks for none."""
    asked = []
    for part in accept_language[:500].split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            asked.append((-float(weight or 1), tag.split("-")[0].lower()))
        except ValueError:
            continue
    wanted = [tag for _, tag in sorted(asked, key=lambda each: each[0]) if tag]
    return negotiate_locale(wanted, list(_WORDS)) or "en"


def words_for(accept_language: str) -> tuple[str, dict[str, str]]:
    """The language the browser asks for first among ours, and its words; English if it asks for none."""
    language = language_of(accept_language)
    return language, _WORDS[language] | AGREEMENT_WORDS[language] | THREAD_WORDS[language] | MESSAGE_WORDS[language]
