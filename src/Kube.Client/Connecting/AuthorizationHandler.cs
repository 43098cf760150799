using System.Net;

namespace Kube.Client;

/// <summary>Adds the credentials to each request, and repeats one that the server refused when there are newer ones.</summary>
internal sealed class AuthorizationHandler(IClusterCredentials credentials, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var header = await credentials.GetAsync(cancellationToken);
        request.Headers.Authorization = header;
        var response = await base.SendAsync(request, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !credentials.Refused(header)) return response;
        response.Dispose();
        request.Headers.Authorization = await credentials.GetAsync(cancellationToken);
        return await base.SendAsync(request, cancellationToken);
    }
}

/// <summary>Names the server as its certificate does (<c>tls-server-name</c>): .NET takes the name for TLS from this header.</summary>
internal sealed class HostHeaderHandler(string host, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Host = host;
        return base.SendAsync(request, cancellationToken);
    }
}
