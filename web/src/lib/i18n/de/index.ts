import account from './account';
import refusals from './refusals';
import shell from './shell';
import site from './site';
import trading from './trading';
import wallet from './wallet';

export default { ...account, ...refusals, ...shell, ...site, ...trading, ...wallet };
