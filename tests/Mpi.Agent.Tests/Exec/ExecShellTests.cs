using Mpi.Agent.Protocol;
using Mpi.Agent.Roles;

namespace Mpi.Agent.Tests;

/// <summary>What MPI's launchers call where commands run in the workers through the Kubernetes API.</summary>
public sealed class ExecShellTests : IDisposable
{
    private readonly TestEnvironment _test = new();

    [Fact]
    public async Task The_command_runs_in_the_workers_container_and_gives_its_output_its_error_and_its_exit_code()
    {
        await using var server = new ScriptedApiServer(static async call =>
        {
            await call.AcceptAsync();
            foreach (byte channel in (byte[])[1, 2, 3]) await call.SendAsync(channel, "");
            await call.SendAsync(1, "to stdout");
            await call.SendInPiecesAsync(2, "to stderr");
            await call.EndAsync(7);
        });

        var (code, output, error) = await CallAsync(server, ["pi-worker-1.pi.team.svc", " orted", "-mca", "ess", "\"env\""]);

        Assert.Equal((7, "to stdout", "to stderr"), (code, output, error));
        var request = Assert.Single(server.Requests);
        Assert.StartsWith("GET /api/v1/namespaces/team/pods/pi-worker-1/exec?stdout=true&stderr=true&stdin=true&container=worker&command=%2Fbin%2Fsh&command=-c&command=%20orted%20-mca%20ess%20%22env%22 HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nAuthorization: Bearer the-pods-token\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Protocol: v5.channel.k8s.io, v4.channel.k8s.io\r\n", request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Input_goes_in_byte_by_byte_and_its_end_is_told()
    {
        var taken = new List<byte>();
        var end = Array.Empty<byte>();
        await using var server = new ScriptedApiServer(async call =>
        {
            await call.AcceptAsync();
            while (await call.ReceiveAsync() is var message)
            {
                if (message[0] != 0)
                {
                    end = message;
                    break;
                }

                taken.AddRange(message[1..]);
            }

            await call.EndAsync(0);
        });
        var sent = new byte[100_000];
        new Random(3).NextBytes(sent);

        Assert.Equal(0, (await CallAsync(server, ["w", "cat"], sent)).Code);

        Assert.Equal(sent, taken);
        Assert.Equal([255, 0], end);
    }

    [Fact]
    public async Task A_server_that_knows_only_v4_gets_the_input_and_is_told_of_no_end()
    {
        var after = new List<byte>();
        await using var server = new ScriptedApiServer(async call =>
        {
            await call.AcceptAsync("v4.channel.k8s.io");
            Assert.Equal("in"u8.ToArray(), (await call.ReceiveAsync())[1..]);
            await call.EndAsync(0);
            after.AddRange(await call.ReceiveAsync());
        });

        Assert.Equal(0, (await CallAsync(server, ["w", "cat"], "in"u8.ToArray())).Code);
        Assert.DoesNotContain((byte)255, after);
    }

    [Fact]
    public async Task A_refusal_says_in_one_sentence_what_and_what_to_do()
    {
        await using var server = new ScriptedApiServer(static call => call.RefuseAsync(403, """{"kind":"Status","message":"pods \"w\" is forbidden: User \"x\" cannot create resource \"pods/exec\"","reason":"Forbidden","code":403}"""));

        var fault = await Assert.ThrowsAsync<ExecException>(() => CallAsync(server, ["w", "true"]));

        Assert.Equal("pods \"w\" is forbidden: User \"x\" cannot create resource \"pods/exec\" (the job's launcher Role must allow get and create on pods/exec of this pod)", fault.Message);
    }

    [Fact]
    public async Task An_image_without_a_shell_is_told_so_with_the_transport_that_needs_none()
    {
        await using var server = new ScriptedApiServer(static async call =>
        {
            await call.AcceptAsync();
            await call.SendAsync(3, """{"status":"Failure","reason":"InternalError","code":500,"message":"error executing command in container: exec: \"/bin/sh\": stat /bin/sh: no such file or directory"}""");
        });

        var fault = await Assert.ThrowsAsync<ExecException>(() => CallAsync(server, ["w", "true"]));

        Assert.StartsWith("the worker's image has no /bin/sh, which transport exec needs; use transport agent: ", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(503, "")]
    [InlineData(429, "Too many requests")]
    [InlineData(500, """{"message":"unable to upgrade connection: container not found (\"worker\")"}""")]
    public async Task What_may_heal_in_a_moment_is_tried_again(int code, string body)
    {
        await using var server = new ScriptedApiServer(call => call.RefuseAsync(code, body), static async call =>
        {
            await call.AcceptAsync();
            await call.EndAsync(0);
        });

        Assert.Equal(0, (await CallAsync(server, ["w", "true"])).Code);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task A_connection_that_ends_before_the_command_is_a_failure_and_no_exit_code()
    {
        await using var server = new ScriptedApiServer(static async call =>
        {
            await call.AcceptAsync();
            await call.SendAsync(1, "half");
            await call.HangUpAsync();
        });

        var fault = await Assert.ThrowsAsync<IOException>(() => CallAsync(server, ["w", "true"]));

        Assert.Equal("the API server ended the connection before the command's end came", fault.Message);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task A_server_that_the_pods_authorities_do_not_vouch_for_is_told_nothing()
    {
        await using var server = new ScriptedApiServer(static call => call.AcceptAsync());
        server.ForgetAuthority();

        var fault = await Assert.ThrowsAsync<IOException>(() => CallAsync(server, ["w", "true"]));

        Assert.Contains("is not the one that the pod's ca.crt vouches for", fault.Message, StringComparison.Ordinal);
        Assert.All(server.Requests, Assert.Empty);
    }

    [Fact]
    public async Task A_pod_without_a_token_is_told_which_field_gives_it_one()
    {
        await using var server = new ScriptedApiServer(static call => call.AcceptAsync());
        server.TakeTokenAway();

        var fault = await Assert.ThrowsAsync<IOException>(() => CallAsync(server, ["w", "true"]));

        Assert.EndsWith("/token is missing): leave automountServiceAccountToken of the launcher's pod and account true", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outside_of_a_cluster_the_role_ends_as_ssh_does_and_says_why()
    {
        Assert.Equal(RemoteShell.Unreachable, await AgentProgram.RunAsync([AgentContract.ExecShellRole, "/kubempi/kubempi-exec", "w", "true"], _test.Agent, TestContext.Current.CancellationToken));
        Assert.Equal("kubempi-agent: w: KUBERNETES_SERVICE_HOST () and KUBERNETES_SERVICE_PORT () name no API server: transport exec needs a pod of a cluster\n", _test.Error.ToString());
    }

    [Fact]
    public async Task The_gate_knows_a_worker_that_runs_from_one_that_does_not_and_from_one_that_is_forbidden()
    {
        await using var server = new ScriptedApiServer(
            static call => call.RefuseAsync(404, """{"message":"pods \"w\" not found","code":404}"""),
            static call => call.RefuseAsync(403, """{"message":"no","code":403}"""),
            static async call =>
            {
                await call.AcceptAsync();
                await call.SendAsync(2, "sh: out of memory");
                await call.EndAsync(2);
            },
            static async call =>
            {
                await call.AcceptAsync();
                await call.EndAsync(0);
            });
        var probe = new ExecProbe(server.Pods());

        Assert.Equal(new ProbeResult.Failed(UnreachableCause.NotRunning, "its pod is not there: pods \"w\" not found"), await TryAsync());
        Assert.Equal(UnreachableCause.PermissionDenied, Assert.IsType<ProbeResult.Failed>(await TryAsync()).Cause);
        Assert.Equal(new ProbeResult.Failed(UnreachableCause.Other, "/bin/sh ended with code 2: sh: out of memory"), await TryAsync());
        Assert.IsType<ProbeResult.Reached>(await TryAsync());
        Assert.DoesNotContain("stdin", server.Requests[0], StringComparison.Ordinal);

        Task<ProbeResult> TryAsync() => probe.TryAsync(new GateTry("w.pi.team.svc", ProbeMethod.Exec, TimeSpan.FromMinutes(1)), TestContext.Current.CancellationToken);
    }

    private async Task<(int Code, string Output, string Error)> CallAsync(ScriptedApiServer server, string[] args, byte[]? input = null)
    {
        await File.WriteAllBytesAsync(_test.File("in"), input ?? []);
        int code;
        using (var stdin = File.OpenHandle(_test.File("in")))
        using (var output = File.OpenHandle(_test.File("out"), FileMode.Create, FileAccess.Write))
        using (var error = File.OpenHandle(_test.File("err"), FileMode.Create, FileAccess.Write))
        {
            var shell = new ExecShell(server.Pods(), new StandardStreams(stdin, output, error), TimeProvider.System);
            code = await shell.CallAsync(RemoteShellCall.Parse(args), "pi-launcher", TestContext.Current.CancellationToken);
        }

        return (code, await File.ReadAllTextAsync(_test.File("out")), await File.ReadAllTextAsync(_test.File("err")));
    }

    public void Dispose() => _test.Dispose();
}
