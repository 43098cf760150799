using System.Collections.Immutable;
using System.Net;
using System.Net.Http.Headers;
using Kube.Types;

namespace Kube.Testing;

/// <summary>
/// Stands between a client and a server, counts what passes, and lets a policy spoil it. Policies see every request
/// before it is sent and every event line of every watch. Adds no asynchrony of its own.
/// </summary>
public sealed class FaultInjectingHandler(HttpMessageHandler inner, TimeProvider time) : DelegatingHandler(inner)
{
    private readonly List<ApiRequest> _requests = [];
    private readonly Dictionary<(string Verb, string Resource), int> _counts = [];
    private int _number;

    /// <summary>Names the fault of a request; null lets it pass.</summary>
    public Func<ApiRequest, Fault?>? OnRequest { get; set; }

    /// <summary>Runs after a request that reached the server was answered: the place to crash a component between two writes.</summary>
    public Action<ApiRequest, HttpStatusCode>? Answered { get; set; }

    /// <summary>Names the fault of a watch's event (its line of JSON, read from the given request); null lets it pass.</summary>
    public Func<ApiRequest, ReadOnlyMemory<byte>, WatchFault?>? OnWatchEvent { get; set; }

    /// <summary>Where lists are kept that <see cref="Fault.Outdated"/> brings back; null keeps none.</summary>
    public ListArchive? Lists { get; init; }

    /// <summary>How many requests are kept for <see cref="Requests"/>, the last ones.</summary>
    public int Kept { get; init; } = 10_000;

    /// <summary>The last requests, the refused and lost ones included.</summary>
    public ImmutableArray<ApiRequest> Requests => [.. _requests];

    /// <summary>How many requests had this verb and, when given, this resource (<c>pods</c>, <c>pods/status</c>).</summary>
    public int Count(string verb, string? resource = null) =>
        _counts.Where(c => c.Key.Verb == verb && (resource is null || c.Key.Resource == resource)).Sum(static c => c.Value);

    /// <summary>How many requests were writes.</summary>
    public int Writes => _counts.Where(static c => c.Key.Verb is not ("get" or "list" or "watch")).Sum(static c => c.Value);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = ApiRequest.Read(++_number, request);
        if (_requests.Count == Kept) _requests.RemoveAt(0);
        _requests.Add(asked);
        _counts[(asked.Verb, asked.Resource)] = _counts.GetValueOrDefault((asked.Verb, asked.Resource)) + 1;

        var fault = OnRequest?.Invoke(asked);
        if (fault is Fault.Lose lost) throw lost.Cause;
        if (fault is Fault.Refuse refusal) return Answer(refusal.Status, request);

        var response = await base.SendAsync(request, cancellationToken);
        Answered?.Invoke(asked, response.StatusCode);
        if (fault is Fault.LoseAnswer forgotten)
        {
            response.Dispose();
            throw forgotten.Cause;
        }

        if (asked.Verb == "list" && response.IsSuccessStatusCode && Lists is { } lists)
        {
            response = await lists.PassAsync(response, request.RequestUri!.OriginalString, fault is Fault.Outdated, cancellationToken);
        }

        if (asked.Verb == "watch" && response.IsSuccessStatusCode)
        {
            // Every watch, since a policy may be set while it is open.
            var events = await response.Content.ReadAsStreamAsync(cancellationToken);
            var spoiled = new StreamContent(new FaultyWatchStream(events, line => OnWatchEvent?.Invoke(asked, line), time));
            foreach (var (name, values) in response.Content.Headers) spoiled.Headers.TryAddWithoutValidation(name, values);
            response.Content = spoiled;
        }

        return response;
    }

    private static HttpResponseMessage Answer(ApiStatus status, HttpRequestMessage request)
    {
        var answer = new HttpResponseMessage((HttpStatusCode)status.Code) { RequestMessage = request, Content = new ByteArrayContent(status.ToTree().ToUtf8()) };
        answer.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        if (status.RetryAfter is { } wait) answer.Headers.RetryAfter = new RetryConditionHeaderValue(wait);
        return answer;
    }
}
