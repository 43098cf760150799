namespace Kube.Testing;

/// <summary>Lists as the server answered them first, for <see cref="Fault.Outdated"/>. Several handlers may share one: a restarted client then meets a server that lags.</summary>
public sealed class ListArchive
{
    /// <summary>Answers are small where time is simulated.</summary>
    private const int Most = 1_000;

    private readonly Dictionary<string, byte[]> _first = new(StringComparer.Ordinal);

    /// <summary>Keeps the first answer to a list, and puts it in the place of the present one where that is asked for.</summary>
    internal async Task<HttpResponseMessage> PassAsync(HttpResponseMessage answer, string asked, bool outdated, CancellationToken cancellation)
    {
        var body = await answer.Content.ReadAsByteArrayAsync(cancellation);
        if (!_first.TryGetValue(asked, out var first) && _first.Count < Most) _first[asked] = body;
        var content = new ByteArrayContent(outdated && first is not null ? first : body);
        foreach (var (name, values) in answer.Content.Headers)
        {
            if (name != "Content-Length") content.Headers.TryAddWithoutValidation(name, values);
        }

        answer.Content.Dispose();
        answer.Content = content;
        return answer;
    }
}
