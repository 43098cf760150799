using System.Net.WebSockets;
using Kube.Types;

namespace Kube.ApiServer;

/// <summary>GET and POST <c>pods/NAME/exec</c> and <c>pods/NAME/attach</c>.</summary>
internal static class PodExec
{
    private static readonly string[] Protocols = [RemoteCommand.V5, RemoteCommand.V4, Base64Protocol];
    private const string Base64Protocol = "v4.base64.channel.k8s.io";

    public static ApiResponse Exec(ServerState server, ResourceCall call)
    {
        var (container, options) = Read(server, call);
        var protocol = Negotiate(call);
        var streams = Streams(server, call);
        return Upgrade(server, protocol, options, cancellation => streams.ExecAsync(container, [.. call.Query.All("command")], options, cancellation));
    }

    public static ApiResponse Attach(ServerState server, ResourceCall call)
    {
        var (container, options) = Read(server, call);
        var protocol = Negotiate(call);
        var streams = Streams(server, call);
        return Upgrade(server, protocol, options, cancellation => streams.AttachAsync(container, options, cancellation));
    }

    private static (PodContainer Container, PodStreamOptions Options) Read(ServerState server, ResourceCall call)
    {
        var pod = JsonTree.Read(Reading.Get(server, call).Utf8);
        var container = PodContainers.Choose(pod, call);
        if (pod.Text("spec", "nodeName") is not { Length: > 0 } node) throw Failures.BadRequest($"pod {call.Name} does not have a host assigned");
        var terminal = call.Query.Flag("tty");
        return (new PodContainer(call.Namespace!, call.Name!, node, container), new PodStreamOptions(call.Query.Flag("stdin"), call.Query.Flag("stdout"), call.Query.Flag("stderr") && !terminal, terminal));
    }

    /// <summary>The first of the client's protocols that is spoken here.</summary>
    private static string Negotiate(ResourceCall call)
    {
        var request = call.Request;
        if (request.Upgrade.Length == 0) throw Failures.BadRequest("Upgrade request required");
        if (!request.Upgrade.Equals("websocket", StringComparison.OrdinalIgnoreCase))
        {
            throw Failures.BadRequest($"exec and attach are spoken over WebSocket here, not over {request.Upgrade}: kubectl does so from 1.30 on, unless KUBECTL_REMOTE_COMMAND_WEBSOCKETS is false");
        }

        return request.Subprotocols.FirstOrDefault(Protocols.Contains)
            ?? throw Failures.BadRequest($"none of the WebSocket protocols asked for is known ({string.Join(", ", request.Subprotocols)}): use one of {string.Join(", ", Protocols)}");
    }

    private static IPodStreams Streams(ServerState server, ResourceCall call)
    {
        // The kubelet's rules; there is no error in asking for nothing but the exit code, and so none here.
        if (call.Subresource == "exec" && !call.Query.All("command").Any()) throw Failures.BadRequest("you must specify at least one command for the container");
        return server.Options.PodStreams ?? throw new ApiException(new ApiStatus(501, "NotImplemented", "no node of this cluster runs commands"));
    }

    private static ApiResponse.Upgrade Upgrade(ServerState server, string protocol, PodStreamOptions options, Func<CancellationToken, ValueTask<IPodSession>> open)
    {
        return new(protocol, ConverseAsync) { Code = 101 };

        async Task ConverseAsync(WebSocket socket, CancellationToken cancellation)
        {
            using var channels = new ChannelSocket(socket, protocol == Base64Protocol, server.Time);
            await new RemoteCommandConversation(options, open, channels).RunAsync(cancellation);
        }
    }
}
