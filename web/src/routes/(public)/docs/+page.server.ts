import { error } from '@sveltejs/kit';
import { reference, type Document } from '$lib/docs/reference';
import type { PageServerLoad } from './$types';

export const load: PageServerLoad = async ({ fetch }) => {
  const answer = await fetch('/v1/openapi.json');
  if (!answer.ok) error(503, 'the description of the API cannot be read at the moment');
  return { groups: reference((await answer.json()) as Document) };
};
