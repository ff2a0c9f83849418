/** What a measurement gives, or why there is none: one that fails must not take the others along. */
export async function attempt(measure) {
  try {
    return await measure();
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
