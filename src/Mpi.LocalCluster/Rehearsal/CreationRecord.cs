using System.Collections.Immutable;
using Kube.Types;

namespace Mpi.LocalCluster;

/// <summary>Notes down each object that was created through it, as it was sent. Events are no objects of a job.</summary>
internal sealed class CreationRecord(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private readonly ImmutableArray<KubeObject>.Builder _created = ImmutableArray.CreateBuilder<KubeObject>();

    public ImmutableArray<KubeObject> Created => _created.ToImmutable();

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var sent = request.Method == HttpMethod.Post && request.Content is { } body ? KubeObject.Parse(await body.ReadAsByteArrayAsync(cancellationToken)) : null;
        var response = await base.SendAsync(request, cancellationToken);
        if (response.IsSuccessStatusCode && sent is { Kind: not "Event" }) _created.Add(sent);
        return response;
    }
}
