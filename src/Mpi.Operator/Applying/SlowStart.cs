namespace Mpi.Operator;

/// <summary>
/// Runs like work in parallel batches of 1, 2, 4 and so on. A cause that fails all of it (a quota, a bad template) then
/// costs a few requests instead of thousands; Kubernetes' Job controller does the same. Order within the input is the
/// order of beginning.
/// </summary>
public static class SlowStart
{
    /// <param name="most">The largest batch.</param>
    /// <param name="work">Returns false when it failed: no further batch is begun.</param>
    /// <returns>How many were begun.</returns>
    public static async Task<int> RunAsync<T>(IReadOnlyList<T> items, int most, Func<T, Task<bool>> work)
    {
        var begun = 0;
        for (var size = 1; begun < items.Count; size = Math.Min(size * 2, most))
        {
            var batch = new List<Task<bool>>(size);
            for (; batch.Count < size && begun < items.Count; begun++) batch.Add(work(items[begun]));
            var fine = await Task.WhenAll(batch);
            if (Array.Exists(fine, static f => !f)) break;
        }

        return begun;
    }
}
