// Lines as quads that always face the viewer, of a width in pixels, clipped at the near plane.

uniform mat4 u_view;
uniform mat4 u_clip;
uniform vec2 u_size;
uniform float u_near;
uniform float u_width;      // pixels of this target

attribute vec2 a_corner;    // x: -1 start, +1 end; y: side
attribute vec3 a_from;      // per instance
attribute vec3 a_to;
attribute vec4 a_colour;

varying float v_side;       // pixels from the middle of the line
varying vec3 v_world;
varying vec4 v_colour;

void main() {
    vec3 a = (u_view * vec4(a_from, 1.0)).xyz;
    vec3 b = (u_view * vec4(a_to, 1.0)).xyz;
    float edge = u_near * 1.01;
    gl_Position = vec4(2.0, 2.0, 2.0, 1.0);
    if (a.z < edge && b.z < edge) return;
    float from = a.z < edge ? (edge - a.z) / (b.z - a.z) : 0.0;
    float to = b.z < edge ? (edge - a.z) / (b.z - a.z) : 1.0;
    vec4 start = u_clip * vec4(mix(a, b, from), 1.0);
    vec4 end = u_clip * vec4(mix(a, b, to), 1.0);

    vec2 along = (end.xy / end.w - start.xy / start.w) * u_size;
    float reach = length(along);
    along = reach > 1e-6 ? along / reach : vec2(1.0, 0.0);
    bool at_end = a_corner.x > 0.0;
    vec4 position = at_end ? end : start;
    float half_width = 0.5 * u_width + 0.5;
    vec2 offset = a_corner.y * half_width * vec2(-along.y, along.x) + a_corner.x * 0.5 * along;
    position.xy += 2.0 * offset / u_size * position.w;

    v_side = a_corner.y * half_width;
    v_world = mix(a_from, a_to, at_end ? to : from);
    v_colour = a_colour;
    gl_Position = position;
}
