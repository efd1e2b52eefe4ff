/** `GET /v1/fees`. */
export interface TradingFee {
  /** Undefined: every market without a row of its own. */
  market: string | null;
  /** Traded in the quote asset in the last 30 days. */
  volume_min: string;
  maker_percent: string;
  taker_percent: string;
}

export interface AssetFee {
  asset: string;
  chain: string;
  withdrawal_fee: string;
  withdrawal_min: string;
  deposit_min: string;
}

export interface Fees {
  trading: TradingFee[];
  assets: AssetFee[];
}

export async function readFees(fetcher: typeof fetch): Promise<Fees> {
  const answer = await fetcher('/v1/fees');
  if (!answer.ok) throw new Error(`/v1/fees answers ${answer.status}`);
  return (await answer.json()) as Fees;
}
