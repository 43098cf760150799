using System.Text.Json;
using Kube.Testing;
using Kube.Types;
using Mpi.Planning;
using Mpi.Testing;

namespace Simulation;

/// <summary>
/// Reads what an operator sends: whatever changes an object or takes it away names the version or the uid that it was decided on, and what takes
/// away many their job's uid (design section 3). Events are its own, and counted without.
/// </summary>
internal sealed class Preconditions(HttpMessageHandler inner, Action<ViolationException> report) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var asked = ApiRequest.Read(0, request);
        if (asked is { IsWrite: true, Verb: not "create", Resource: not "events" } && !await IsConditionalAsync(asked.Verb, request, cancellationToken)) report(new ViolationException(nameof(Preconditions), $"{asked} has none"));
        return await base.SendAsync(request, cancellationToken);
    }

    private static async Task<bool> IsConditionalAsync(string verb, HttpRequestMessage request, CancellationToken cancellation)
    {
        if (verb == "deletecollection") return Uri.UnescapeDataString(request.RequestUri!.OriginalString).Contains($"{PlanningNames.JobUid}=", StringComparison.Ordinal);
        if (request.Content is null) return false;
        using var body = JsonDocument.Parse(await request.Content.ReadAsByteArrayAsync(cancellation));
        return verb switch
        {
            "delete" => body.RootElement.Has("preconditions", "uid"),
            "patch" when body.RootElement.ValueKind == JsonValueKind.Array => body.RootElement.EnumerateArray().Any(static step => step.Text("op") == "test"),
            _ => body.RootElement.Text("metadata", "resourceVersion") is { Length: > 0 },
        };
    }
}
