using System.Net;
using System.Net.Http.Headers;

namespace Kube.ApiServer;

/// <summary>
/// Joins an <see cref="HttpClient"/> to a server in the same process, with no sockets: everything completes on the
/// caller's thread before the call returns, and a watch's reader continues within the write that it waited for.
/// </summary>
public sealed class InProcessHandler(KubeApiServer server) : HttpMessageHandler
{
    /// <summary>The address to give to the client; it never leaves the process.</summary>
    public static readonly Uri BaseAddress = new("http://in-process.invalid/");

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var target = request.RequestUri ?? throw new InvalidOperationException("the request has no address");
        var response = await server.HandleAsync(
            new ApiRequest(request.Method.Method, target.AbsolutePath)
            {
                Query = target.Query.TrimStart('?'),
                Accept = Raw(request, "Accept"),
                ContentType = request.Content?.Headers.ContentType?.ToString() ?? "",
                UserAgent = request.Headers.UserAgent.ToString(),
                Body = request.Content is null ? default : await request.Content.ReadAsByteArrayAsync(cancellationToken),
            },
            cancellationToken);
        return ToMessage(response, request);
    }

    /// <summary>A header as it was given: Kubernetes has media types (with an @) that the platform would leave out as wrong.</summary>
    private static string Raw(HttpRequestMessage request, string name) => request.Headers.NonValidated.TryGetValues(name, out var values) ? string.Join(",", values) : "";

    private static HttpResponseMessage ToMessage(ApiResponse response, HttpRequestMessage request)
    {
        var message = new HttpResponseMessage((HttpStatusCode)response.Code) { RequestMessage = request, Content = ContentOf(response) };
        message.Content.Headers.ContentType = MediaTypeHeaderValue.Parse(response.ContentType);
        foreach (var warning in response.Warnings) message.Headers.TryAddWithoutValidation("Warning", WarningHeader.Format(warning));
        if (response.RetryAfterSeconds is { } seconds) message.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds));
        return message;
    }

    private static HttpContent ContentOf(ApiResponse response)
    {
        switch (response)
        {
            case ApiResponse.Content { Parts: [var only] }:
                return new ReadOnlyMemoryContent(only);
            case ApiResponse.Content content:
                var whole = new byte[content.Parts.Sum(static p => p.Length)];
                var at = 0;
                foreach (var part in content.Parts)
                {
                    part.CopyTo(whole.AsMemory(at));
                    at += part.Length;
                }

                return new ByteArrayContent(whole);
            case ApiResponse.Watch watch:
                watch.Events.CompletesInline = true;
                return new StreamContent(new WatchReadStream(watch.Events));
            case ApiResponse.Bytes bytes:
                return new StreamContent(bytes.Stream);
            // No upgrade was asked for, since a conversation needs a connection.
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }
}
